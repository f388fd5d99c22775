using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>Another program puts files of its own in the place of /etc/resolv.conf, of which a hardened service sees one alone as writable.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ReplacedFileTests
{
    private const string Conf = "/etc/resolv.conf";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Text, mode, owner and time of writing.
    private static Task<string> TellAsync(BootedMachine machine) => machine.RunAsync(Cancel, "sh", "-c", $"cat {Conf}; stat -c '%a %u %g %y %F' {Conf}; ls /etc | grep resolv");

    private static async Task NamesAreFoundAsync(BootedMachine machine)
    {
        await machine.UntilAsync(text => text.Contains("nameserver 127.0.0.53", StringComparison.Ordinal), Cancel, "cat", Conf);
        Assert.StartsWith("10.42.0.1 ", await machine.RunAsync(Cancel, "getent", "ahostsv4", "hub.tunnelmesh"), StringComparison.Ordinal);
        Assert.Contains("\"problem\":null", (await machine.RunAsync(Cancel, BootedMachine.Program, "status", "--json")).Split("\"dns\":")[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_go_on_and_the_newest_file_is_put_back_exactly_and_nothing_else_of_etc_is_open_to_the_service()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        await nas.RunAsync(Cancel, "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");
        await NamesAreFoundAsync(nas);

        string theirs = "";
        for (int i = 1; i <= 3; i++)
        {
            // As dhclient-script, or an editor, writes it.
            await nas.RunAsync(Cancel, "sh", "-c", $"printf 'search example{i}.com\nnameserver 198.51.100.25{i}\n' > /etc/new && chmod 64{i} /etc/new && chgrp 7 /etc/new && touch -d '2020-02-0{i} 04:05:06.789' /etc/new && mv /etc/new {Conf}");
            theirs = await TellAsync(nas);
            await NamesAreFoundAsync(nas);
        }

        // A file with the text of ours, as an editor leaves it that had nothing to change, is no less to be put back.
        await nas.RunAsync(Cancel, "sed", "-i", "s/nothing of the kind//", Conf);
        string pid = await nas.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh");
        await nas.UntilAsync(mounts => mounts.Contains($" {Conf} rw", StringComparison.Ordinal), Cancel, "cat", $"/proc/{pid}/mountinfo");
        await NamesAreFoundAsync(nas);
        CommandResult other = await nas.TryRunAsync(Cancel, "nsenter", "--target", pid, "--mount", "sh", "-c", $"[ -w {Conf} ] && ! [ -w /etc/passwd ] && ! touch /etc/other");
        Assert.True(other.Succeeded && other.Errors.Contains("Read-only file system", StringComparison.Ordinal), other.ToString());

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "stop");
        Assert.Equal(theirs, await TellAsync(nas));
        Assert.DoesNotContain("could not be put back", await nas.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--lines", "200"), StringComparison.Ordinal);

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "start");
        await NamesAreFoundAsync(nas);
        await nas.RunAsync(Cancel, "sh", "-c", $"printf 'nameserver 198.51.100.254\n' > /etc/new && chmod 604 /etc/new && touch -d '2021-02-03 04:05:06.789' /etc/new && mv /etc/new {Conf}");
        theirs = await TellAsync(nas);
        await NamesAreFoundAsync(nas);
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "stop");
        Assert.Equal(theirs, await TellAsync(nas));
    }
}
