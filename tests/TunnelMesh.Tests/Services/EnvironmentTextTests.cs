using System.Diagnostics;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class EnvironmentTextTests
{
    [Fact]
    public void A_new_file_says_what_it_is_and_an_old_one_keeps_what_others_wrote()
    {
        string text = EnvironmentText.Set("", [new("TUNNELMESH_TOKEN", "aa,bb")]);
        Assert.Equal($"{EnvironmentText.Header}TUNNELMESH_TOKEN=aa,bb\n", text);
        Assert.Equal(EnvironmentText.Header, EnvironmentText.Set("", []));
        string edited = EnvironmentText.Set("# mine\nOTHER=1\nTUNNELMESH_TOKEN=old\n", [new("TUNNELMESH_TOKEN", "new")]);
        Assert.Equal("# mine\nOTHER=1\nTUNNELMESH_TOKEN=new\n", edited);
        Assert.Equal(edited, EnvironmentText.Set(edited, []));
    }

    [Theory]
    [InlineData("TUNNELMESH_TOKEN=x\n", true)]
    [InlineData("A=1\n  TUNNELMESH_TOKEN=x\n", true)]
    [InlineData("TUNNELMESH_TOKEN=\n", false)]
    [InlineData("# TUNNELMESH_TOKEN=x\n", false)]
    [InlineData("TUNNELMESH_TOKEN2=x\n", false)]
    [InlineData("", false)]
    public void It_is_known_whether_a_variable_is_set(string text, bool expected) => Assert.Equal(expected, EnvironmentText.Has(text, "TUNNELMESH_TOKEN"));

    [Fact]
    public void A_control_character_is_refused_and_its_value_not_told()
    {
        ServiceException e = Assert.Throws<ServiceException>(() => EnvironmentText.Set("", [new("TUNNELMESH_TOKEN", "geheim\nX=1")]));
        Assert.Contains("TUNNELMESH_TOKEN", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", e.Message, StringComparison.Ordinal);
    }

    // macOS has the shell read what systemd reads on Linux.
    [Theory]
    [InlineData("http://user:p$w`id`\"\\@proxy:3128")]
    [InlineData("two words; and more #")]
    [InlineData("'")]
    public void A_shell_reads_the_same_value(string value)
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs /bin/sh");
        string text = EnvironmentText.Set("", [new("HTTPS_PROXY", value)]);
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", text + "printf %s \"$HTTPS_PROXY\""]) { RedirectStandardOutput = true })!;
        Assert.Equal(value, shell.StandardOutput.ReadToEnd());
        shell.WaitForExit();
    }

    // Windows has nobody else read it.
    [Theory]
    [InlineData("plain")]
    [InlineData("http://user:p$w`id`\"\\@proxy:3128")]
    [InlineData("two words; and more # = ")]
    [InlineData("'")]
    [InlineData("C:\\dir\\")]
    public void This_program_reads_the_same_value(string value)
    {
        string text = EnvironmentText.Set("# a comment = x\n\n  OTHER='a \\ b'\nnonsense\n", [new("HTTPS_PROXY", value)]);
        Assert.Equal([new("OTHER", "a \\ b"), new("HTTPS_PROXY", value)], EnvironmentText.Read(text));
    }
}
