using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Logging;

namespace TunnelMesh.Tests.Cli;

public sealed class LoggingTests
{
    private static string Text(string state, Exception? exception) => state;

    [Fact]
    public void A_line_has_time_level_and_message_and_nothing_from_outside_breaks_it()
    {
        using StringWriter output = new();
        StandardErrorLogger log = new(output, new FakeTimeProvider(new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero)));
        log.Log(LogLevel.Information, default, "peer joined name=a\nb\u001b[31m", null, Text);
        Assert.Equal("2026-11-24T10:00:00Z info   peer joined name=a\\nb\\u001b[31m" + Environment.NewLine, output.ToString());
    }

    [Fact]
    public void An_event_is_told_by_its_id()
    {
        using StringWriter output = new();
        StandardErrorLogger log = new(output, new FakeTimeProvider(new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero)));
        log.Log(LogLevel.Warning, new EventId(7), "no room", null, Text);
        Assert.Equal("2026-11-24T10:00:00Z warn   TM007 no room" + Environment.NewLine, output.ToString());
    }

    [Fact]
    public void A_changed_level_holds_at_once_and_stacks_are_for_debugging()
    {
        using StringWriter output = new();
        StandardErrorLogger log = new(output, TimeProvider.System) { Level = LogLevel.Error };
        log.Log(LogLevel.Warning, default, "hidden", null, Text);
        Assert.Empty(output.ToString());
        log.Level = LogLevel.Warning;
        log.Log(LogLevel.Warning, default, "shown", new IOException("disk full"), Text);
        Assert.Single(output.ToString().TrimEnd().Split('\n'));
        Assert.Contains("error=\"disk full\" type=IOException", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("debug", "error", "info", LogLevel.Debug)]
    [InlineData(null, "error", "info", LogLevel.Error)]
    [InlineData(null, null, "trace", LogLevel.Trace)]
    public void The_flag_counts_before_the_environment_and_that_before_the_configuration(string? flag, string? environment, string configured, LogLevel expected) =>
        Assert.Equal(expected, LogLevels.Choose(flag, environment, configured));

    [Fact]
    public void A_wrong_level_in_the_environment_is_named() =>
        Assert.Contains("TUNNELMESH_LOG_LEVEL", Assert.Throws<ConfigException>(() => LogLevels.Choose(null, "loud", "info")).Message, StringComparison.Ordinal);

    [Fact]
    public async Task What_cannot_be_written_ends_nobody_and_is_told_with_the_next_line_that_can()
    {
        using Disk disk = new();
        await using ForgivingWriter writer = new(disk);
        StandardErrorLogger log = new(writer, TimeProvider.System);
        disk.Full = true;
        log.Log(LogLevel.Warning, default, "lost", null, Text);
        await writer.WriteLineAsync("lost too");
        disk.Full = false;
        log.Log(LogLevel.Warning, default, "kept", null, Text);
        await writer.WriteLineAsync("after");
        string[] lines = disk.Kept.ToString().TrimEnd().Split(Environment.NewLine);
        Assert.Equal(3, lines.Length);
        Assert.Equal("(2 earlier lines could not be written here and are lost)", lines[0]);
        Assert.EndsWith("kept", lines[1], StringComparison.Ordinal);
        Assert.Equal("after", lines[2]);
    }

    private sealed class Disk : TextWriter
    {
        public bool Full { get; set; }

        public System.Text.StringBuilder Kept { get; } = new();

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value) => Kept.Append(Full ? throw new IOException("No space left on device") : value);
    }
}
