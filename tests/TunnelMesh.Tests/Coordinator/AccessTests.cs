using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;
using Xunit;

namespace TunnelMesh.Tests.Coordinator;

public sealed class AccessTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_proof_finds_its_token_wherever_it_stands_and_an_invalid_one_never()
    {
        byte[] transcript = new byte[32];
        TokenRow[] rows = Enumerable.Range(1, 4).Select(i => new TokenRow(i, new string((char)('a' + i), 32), 0, null, 0, null, false)).ToArray();
        rows[2] = rows[2] with { Expires = Now.ToUnixTimeSeconds() };
        rows[3] = rows[3] with { Revoked = true };
        TokenSet set = new(rows, Now);
        foreach (TokenRow row in rows)
        {
            byte[] key = JoinProofs.TokenKey(row.Secret);
            long? found = set.Match(JoinProofs.PeerTokenProof(key, transcript), transcript, Now, out byte[] answer);
            Assert.Equal(row.IsValid(Now) ? row.Id : null, found);
            Assert.Equal(row.IsValid(Now) ? JoinProofs.CoordinatorTokenProof(key, transcript) : [], answer);
        }
        Assert.Null(set.Match([], transcript, Now, out _));
        Assert.Null(set.Match(new byte[32], transcript, Now, out _));
    }

    [Fact]
    public void Five_failures_close_an_address_for_a_minute_and_no_other()
    {
        FakeTimeProvider time = new();
        ProofRateLimiter limiter = new(time);
        IPAddress address = IPAddress.Parse("192.0.2.1");
        for (int i = 0; i < ProofRateLimiter.MaxFailures; i++)
        {
            Assert.True(limiter.MayTry(address, out _));
            limiter.Failed(address);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.False(limiter.MayTry(address.MapToIPv6(), out TimeSpan wait));
        Assert.Equal(TimeSpan.FromSeconds(55), wait);
        Assert.True(limiter.MayTry(IPAddress.Parse("192.0.2.2"), out _));
        time.Advance(TimeSpan.FromSeconds(55));
        Assert.True(limiter.MayTry(address, out _));
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(limiter.MayTry(address, out _));
        Assert.Equal(0, limiter.Count);
    }

    [Fact]
    public void IPv6_counts_by_64_and_memory_is_bounded()
    {
        ProofRateLimiter limiter = new(new FakeTimeProvider());
        for (int i = 0; i < ProofRateLimiter.MaxFailures; i++)
        {
            limiter.Failed(IPAddress.Parse($"2001:db8::{i + 1}"));
        }
        Assert.False(limiter.MayTry(IPAddress.Parse("2001:db8::ffff"), out _));
        Assert.True(limiter.MayTry(IPAddress.Parse("2001:db8:0:1::1"), out _));
        for (int i = 0; i < ProofRateLimiter.MaxAddresses + 10; i++)
        {
            limiter.Failed(new IPAddress(i + 1L));
        }
        Assert.Equal(ProofRateLimiter.MaxAddresses, limiter.Count);
    }
}
