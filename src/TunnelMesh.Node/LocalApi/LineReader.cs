using System.Net.Sockets;

namespace TunnelMesh.Node.LocalApi;

/// <summary>Lines from a socket, bounded. One reader at a time.</summary>
internal sealed class LineReader(Socket socket, int maxBytes)
{
    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The next line without its newline, valid until the next call; null when the other side has ended or the line is too long.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellation)
    {
        int scanned = _start;
        while (true)
        {
            int newline = _buffer.AsSpan(scanned, _end - scanned).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                ReadOnlyMemory<byte> line = _buffer.AsMemory(_start, scanned + newline - _start);
                _start = scanned + newline + 1;
                return line;
            }
            if (_end - _start >= maxBytes)
            {
                return null;
            }
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _end -= _start;
                _start = 0;
            }
            scanned = _end;
            if (_end == _buffer.Length)
            {
                Array.Resize(ref _buffer, Math.Min(maxBytes, _buffer.Length * 2));
            }
            int read = await socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }
            _end += read;
        }
    }
}
