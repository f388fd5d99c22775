using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Tests.Noise.Vectors;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Noise;

/// <summary>Every fact is held by every implementation, each forced in turn.</summary>
public sealed class TransportAeadTests
{
    private static readonly byte[] Key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");

    public static TheoryData<string> Implementations => [.. Ciphers.Names];

    public static TheoryData<string> Quiet => [.. Ciphers.Names.Where(name => name != "framework")];

    [Fact]
    public void Where_the_framework_needs_libcrypto_we_use_it_too() =>
        Assert.Equal(OperatingSystem.IsLinux(), TransportAead.UsesLibCrypto);

    // RFC 8439, section 2.8.2.
    [Theory, MemberData(nameof(Implementations))]
    public void Seals_as_RFC_8439_section_2_8_2(string implementation)
    {
        byte[] plain = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."u8.ToArray();
        byte[] associated = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7"), nonce = Convert.FromHexString("070000004041424344454647");
        byte[] cipher = new byte[plain.Length], tag = new byte[16], opened = new byte[plain.Length];
        using TransportAead aead = Make(implementation, Key);
        aead.Seal(nonce, plain, associated, cipher, tag);
        Assert.Equal(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
            "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
            Convert.ToHexStringLower(cipher));
        Assert.Equal("1ae10b594f09e26a7e902ecbd0600691", Convert.ToHexStringLower(tag));
        Assert.True(aead.TryOpen(nonce, cipher, associated, opened, tag));
        Assert.Equal(plain, opened);
        associated[0] ^= 1;
        Assert.False(aead.TryOpen(nonce, cipher, associated, opened, tag));
        Assert.All(opened, b => Assert.Equal(0, b));
    }

    // RFC 8439, appendix A.5, whose nonce is the counter 0x0807060504030201.
    [Theory, MemberData(nameof(Implementations))]
    public void Opens_as_RFC_8439_appendix_A_5(string implementation)
    {
        byte[] cipher = Convert.FromHexString(
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf" +
            "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4" +
            "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a" +
            "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29" +
            "a6ad5cb4022b02709b");
        byte[] plain = new byte[cipher.Length];
        using TransportAead aead = Make(implementation, Convert.FromHexString("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"));
        Assert.True(aead.TryOpen(
            Convert.FromHexString("000000000102030405060708"), cipher, Convert.FromHexString("f33388860000000000004e91"), plain,
            Convert.FromHexString("eead9d67890cbb22392336fea1851f38")));
        Assert.StartsWith("Internet-Drafts are draft documents valid for a maximum of six months", System.Text.Encoding.UTF8.GetString(plain), StringComparison.Ordinal);

        byte[] again = [.. plain], tag = new byte[16];
        aead.Seal(0x0807060504030201, again, tag);
        byte[] expected = new byte[plain.Length], expectedTag = new byte[16];
        using (ChaCha20Poly1305 framework = new(Convert.FromHexString("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0")))
        {
            framework.Encrypt(Convert.FromHexString("000000000102030405060708"), plain, expected, expectedTag);
        }
        Assert.Equal(cipher, again);
        Assert.Equal(expected, again);
        Assert.Equal(expectedTag, tag);
    }

    [Theory, InlineData("libcrypto"), InlineData("vector")]
    public void Implementations_agree_at_every_length_to_2048_and_some_to_65535(string implementation)
    {
        Assert.SkipUnless(Ciphers.Names.Contains(implementation), "not here");
        using TransportAead evp = Make(implementation, Key), framework = Make("framework", Key);
        int[] lengths = [.. Enumerable.Range(0, 2049), 4095, 4096, 8191, 9000, 16384, 32767, 65519, 65534, 65535];
        foreach (int length in lengths)
        {
            // A prime stride leaves every alignment of 16 behind.
            int offset = length * 7 % 17;
            byte[] plain = RandomNumberGenerator.GetBytes(length), left = new byte[length + 32], right = new byte[length + 32];
            byte[] leftTag = new byte[16], rightTag = new byte[16];
            plain.CopyTo(left, offset);
            plain.CopyTo(right, offset);
            ulong counter = (ulong)length << 40 | 0xfedcba98;
            evp.Seal(counter, left.AsSpan(offset, length), leftTag);
            framework.Seal(counter, right.AsSpan(offset, length), rightTag);
            Assert.Equal(right, left);
            Assert.Equal(rightTag, leftTag);

            // Each opens what the other sealed.
            Assert.True(evp.TryOpen(counter, right.AsSpan(offset, length), rightTag));
            Assert.True(framework.TryOpen(counter, left.AsSpan(offset, length), leftTag));
            Assert.True(right.AsSpan(offset, length).SequenceEqual(plain));
            Assert.True(left.AsSpan(offset, length).SequenceEqual(plain));
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void One_instance_seals_and_opens_in_any_order_at_any_counter(string implementation)
    {
        using TransportAead aead = Make(implementation, Key);
        ulong[] counters = [0, ulong.MaxValue, 1, 0x0123456789abcdef, 1];
        byte[][] data = new byte[counters.Length][], tags = new byte[counters.Length][];
        for (int i = 0; i < counters.Length; i++)
        {
            (data[i], tags[i]) = ("the same packet"u8.ToArray(), new byte[16]);
            aead.Seal(counters[i], data[i], tags[i]);
            byte[] copy = [.. data[i]];
            Assert.True(aead.TryOpen(counters[i], copy, tags[i]));
            Assert.Equal("the same packet"u8.ToArray(), copy);
            Assert.False(aead.TryOpen(counters[i] ^ 2, [.. data[i]], tags[i]));
        }
        Assert.Equal(data[2], data[4]);
        Assert.Equal(4, data.Select(Convert.ToHexString).Distinct().Count());
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_changed_bit_anywhere_is_refused_without_an_exception_and_leaves_zeros(string implementation)
    {
        using TransportAead aead = Make(implementation, Key);
        int[] lengths = [0, 1, 15, 16, 17, 63, 64, 65, 200];
        foreach (int length in lengths)
        {
            byte[] data = RandomNumberGenerator.GetBytes(length), plain = [.. data], tag = new byte[16], work = new byte[length];
            aead.Seal(9, data, tag);
            for (int bit = 0; bit < (length + 16) * 8; bit++)
            {
                // All bits of the tag, and of the data at least one in each byte.
                if (bit < length * 8 && bit % 8 != bit / 8 % 8)
                {
                    continue;
                }
                byte[] target = bit < length * 8 ? data : tag;
                int at = bit < length * 8 ? bit / 8 : (bit / 8) - length;
                target[at] ^= (byte)(1 << (bit % 8));
                data.CopyTo(work, 0);
                Assert.False(aead.TryOpen(9, work, tag));
                Assert.Equal(new byte[length], work);
                target[at] ^= (byte)(1 << (bit % 8));
            }
            data.CopyTo(work, 0);
            Assert.True(aead.TryOpen(9, work, tag));
            Assert.Equal(plain, work);
        }
    }

    [Theory, MemberData(nameof(Quiet))]
    public void Neither_sealing_nor_opening_nor_refusing_allocates_or_throws(string implementation)
    {
        using TransportAead aead = Make(implementation, Key);
        byte[] data = new byte[1420], tag = new byte[16];
        int thrown = 0, thread = Environment.CurrentManagedThreadId;
        void Count(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs e) => thrown += Environment.CurrentManagedThreadId == thread ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        long allocated = Allocations.Least(() => Round(aead, data, tag, 1000));
        AppDomain.CurrentDomain.FirstChanceException -= Count;
        Assert.Equal(0, allocated);
        Assert.Equal(0, thrown);
    }

    [Fact]
    public void A_refused_packet_leaves_nothing_in_the_error_queue_that_TLS_on_this_thread_would_report()
    {
        Assert.SkipUnless(TransportAead.UsesLibCrypto, "there is no libcrypto here");
        using TransportAead aead = Make("libcrypto", Key);
        Assert.False(aead.TryOpen(0, new byte[64], new byte[16]));
        Assert.True(System.Runtime.InteropServices.NativeLibrary.TryLoad("libcrypto.so.3", out nint library)
            || System.Runtime.InteropServices.NativeLibrary.TryLoad("libcrypto.so.1.1", out library));
        unsafe
        {
            Assert.Equal((nuint)0, ((delegate* unmanaged<nuint>)System.Runtime.InteropServices.NativeLibrary.GetExport(library, "ERR_peek_error"))());
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Misuse_is_refused_by_name(string implementation)
    {
        TransportAead aead = Make(implementation, Key);
        byte[] nonce = new byte[12], data = new byte[40], tag = new byte[16];
        Assert.Throws<ArgumentException>(() => aead.Seal(nonce.AsSpan(1), data, default, data, tag));
        Assert.Throws<ArgumentException>(() => aead.Seal(nonce, data, default, data, tag.AsSpan(1)));
        Assert.Throws<ArgumentException>(() => aead.TryOpen(nonce, data, default, data.AsSpan(1), tag));
        Assert.ThrowsAny<Exception>(() => Make(implementation, Key.AsSpan(1)));
        aead.Dispose();
        aead.Dispose();
        Assert.Throws<ObjectDisposedException>(() => aead.Seal(0, data, tag));
        Assert.Throws<ObjectDisposedException>(() => aead.TryOpen(0, data, tag));
    }

    [Theory, MemberData(nameof(Quiet))]
    public void Memory_that_overlaps_at_an_offset_is_refused(string implementation)
    {
        using TransportAead aead = Make(implementation, Key);
        byte[] data = new byte[65];
        Assert.Throws<ArgumentException>(() => aead.Seal(new byte[12], data.AsSpan(0, 64), default, data.AsSpan(1), new byte[16]));
    }

    [Fact]
    public void A_forged_handshake_and_a_forged_cookie_throw_nothing()
    {
        Assert.SkipUnless(TransportAead.UsesLibCrypto, "the framework's class throws inside");
        using LocalStatic alice = new(RandomNumberGenerator.GetBytes(32)), bob = new(RandomNumberGenerator.GetBytes(32));
        byte[] initiation = new byte[148], response = new byte[92], cookie = new byte[64];
        using InitiatorHandshake handshake = InitiatorHandshake.Create(
            alice, bob.PublicKey.Span, [], 1, Tai64n.From(DateTimeOffset.UnixEpoch), [], RandomNumberGenerator.Fill, initiation)!;
        using ReceivedInitiation received = ReceivedInitiation.TryRead(bob, initiation)!;
        using TransportKeypair session = received.Respond([], 2, [], RandomNumberGenerator.Fill, 0, TimeProvider.System, response)!;
        new CookieResponder(bob, TimeProvider.System, RandomNumberGenerator.Fill).WriteReply(initiation, [1, 2, 3, 4], cookie);
        CookieJar jar = new(bob.PublicKey.Span);
        jar.NoteSent(handshake.Mac1);
        int thrown = 0, thread = Environment.CurrentManagedThreadId;
        void Count(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs e) => thrown += Environment.CurrentManagedThreadId == thread ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        bool any = false;
        for (int at = 8; at < 116; at += 9)
        {
            initiation[at] ^= 4;
            any |= ReceivedInitiation.TryRead(bob, initiation) is not null;
            initiation[at] ^= 4;
        }
        response[50] ^= 1;
        any |= handshake.TryConsume(response, 0, TimeProvider.System, out TransportKeypair? forged);
        response[50] ^= 1;
        for (int at = 8; at < 64; at++)
        {
            cookie[at] ^= 1;
            any |= jar.TryTake(cookie, 0, TimeProvider.System);
            cookie[at] ^= 1;
        }
        AppDomain.CurrentDomain.FirstChanceException -= Count;
        Assert.False(any);
        Assert.Null(forged);
        Assert.Equal(0, thrown);
        Assert.True(handshake.TryConsume(response, 0, TimeProvider.System, out TransportKeypair? mine));
        mine!.Dispose();
        Assert.True(jar.TryTake(cookie, 0, TimeProvider.System));
    }

    private static void Round(TransportAead aead, byte[] data, byte[] tag, ulong rounds)
    {
        for (ulong i = 0; i < rounds; i++)
        {
            aead.Seal(i, data, tag);
            if (!aead.TryOpen(i, data, tag) || aead.TryOpen(i, data, tag))
            {
                throw new InvalidOperationException("sealing and opening do not fit");
            }
        }
    }

    private static TransportAead Make(string implementation, ReadOnlySpan<byte> key) => Ciphers.Make(implementation, key);
}
