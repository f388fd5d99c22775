using System.Text;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class WindowsCommandLineTests
{
    // The examples of CommandLineToArgvW's documentation, and what a service needs.
    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("", "\"\"")]
    [InlineData("a b", "\"a b\"")]
    [InlineData("a\"b", "\"a\\\"b\"")]
    [InlineData("a b\\", "\"a b\\\\\"")]
    [InlineData("a\\\\\"b c", "\"a\\\\\\\\\\\"b c\"")]
    [InlineData("C:\\x\\", "C:\\x\\")]
    [InlineData("HOME=C:\\Users\\Jo Smith", "\"HOME=C:\\Users\\Jo Smith\"")]
    public void An_argument_is_quoted_where_it_must_be(string argument, string expected) =>
        Assert.Equal("\"p.exe\" " + expected, WindowsCommandLine.Join(["p.exe", argument]));

    [Fact]
    public void The_program_is_quoted_always_and_control_characters_are_refused()
    {
        Assert.Equal("\"C:\\Program Files\\TunnelMesh\\tunnelmesh.exe\" join", WindowsCommandLine.Join(["C:\\Program Files\\TunnelMesh\\tunnelmesh.exe", "join"]));
        Assert.Throws<ServiceException>(() => WindowsCommandLine.Join(["p.exe", "a\nb"]));
    }

    [Fact]
    public void Whatever_is_joined_is_taken_apart_as_it_was()
    {
        Random random = new(7);
        for (int round = 0; round < 20_000; round++)
        {
            string[] arguments = ["C:\\p q.exe", .. Enumerable.Range(0, random.Next(5)).Select(_ => new string(random.GetItems<char>("\\\\\\\"\" ab", random.Next(8))))];
            Assert.Equal(arguments, Split(WindowsCommandLine.Join(arguments)));
        }
    }

    // The documented rules of CommandLineToArgvW, for a first argument in quotation marks.
    private static List<string> Split(string line)
    {
        int end = line.IndexOf('"', 1);
        List<string> parts = [line[1..end]];
        StringBuilder part = new();
        bool quoted = false, begun = false;
        for (int i = end + 1; i < line.Length; i++)
        {
            int backslashes = 0;
            while (i < line.Length && line[i] == '\\')
            {
                backslashes++;
                i++;
            }

            bool mark = i < line.Length && line[i] == '"';
            part.Append('\\', mark ? backslashes / 2 : backslashes);
            begun |= backslashes > 0;
            if (mark && backslashes % 2 == 1)
            {
                part.Append('"');
            }
            else if (mark)
            {
                quoted = !quoted;
                begun = true;
            }
            else if (i < line.Length && line[i] == ' ' && !quoted)
            {
                if (begun)
                {
                    parts.Add(part.ToString());
                }

                part.Clear();
                begun = false;
            }
            else if (i < line.Length)
            {
                part.Append(line[i]);
                begun = true;
            }
        }

        if (begun)
        {
            parts.Add(part.ToString());
        }

        return parts;
    }
}
