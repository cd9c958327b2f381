using System.Runtime.InteropServices;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <content>Reads and writes, in one piece or many.</content>
internal static unsafe partial class Exports
{
    private const int MostPieces = 1024;
    private const int InqLength = 20;

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Piece
    {
        public nint Start;
        public nint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public nint Name;
        public uint NameLength;
        public Piece* Pieces;
        public nint PieceCount;
        public nint Control;
        public nint ControlLength;
        public int Flags;
    }

    [UnmanagedCallersOnly(EntryPoint = "mptcp_read")]
    public static nint Read(nint stack, int s, byte* buffer, nuint length, int flags)
    {
        var piece = new Piece { Start = (nint)buffer, Length = (nint)Math.Min(length, int.MaxValue) };
        return Transfer(stack, s, &piece, 1, flags, writes: false);
    }

    [UnmanagedCallersOnly(EntryPoint = "mptcp_write")]
    public static nint Write(nint stack, int s, byte* buffer, nuint length, int flags)
    {
        var piece = new Piece { Start = (nint)buffer, Length = (nint)Math.Min(length, int.MaxValue) };
        return Transfer(stack, s, &piece, 1, flags, writes: true);
    }

    [UnmanagedCallersOnly(EntryPoint = "mptcp_readv")]
    public static nint ReadPieces(nint stack, int s, Piece* pieces, int count, int flags) =>
        Transfer(stack, s, pieces, count, flags, writes: false);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_writev")]
    public static nint WritePieces(nint stack, int s, Piece* pieces, int count, int flags) =>
        Transfer(stack, s, pieces, count, flags, writes: true);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_recvmsg")]
    public static nint ReceiveMessage(nint stack, int s, Message* message, int flags) => OnSocket(
        stack, s, (message: (nint)message, flags), static (socket, a) =>
        {
            var message = (Message*)a.message;
            if (message is null)
            {
                return -EFAULT;
            }

            nint count = ReadInto(socket, message->Pieces, message->PieceCount, a.flags);
            if (count < 0)
            {
                return count;
            }

            (message->NameLength, message->Flags) = (0, 0);
            WriteControl(socket, message);
            return count;
        });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_sendmsg")]
    public static nint SendMessage(nint stack, int s, Message* message, int flags) => OnSocket(
        stack, s, (message: (nint)message, flags), static (socket, a) =>
        {
            var message = (Message*)a.message;
            if (message is null || (message->Name == 0 && message->NameLength > 0))
            {
                return -EFAULT;
            }

            if (message->NameLength > SocketAddresses.StorageLength)
            {
                return -EINVAL;
            }

            ReadOnlySpan<byte> name = (a.flags & CallNames.MSG_FASTOPEN) != 0 ? Bytes(message->Name, (nint)message->NameLength) : [];
            return WriteFrom(socket, message->Pieces, message->PieceCount, a.flags, name);
        });

    private static nint Transfer(nint stack, int s, Piece* pieces, int count, int flags, bool writes) => OnSocket(
        stack, s, (pieces: (nint)pieces, count, flags, writes), static (socket, a) => a.count > MostPieces ? -EINVAL
            : a.writes
            ? WriteFrom(socket, (Piece*)a.pieces, a.count, a.flags, [])
            : ReadInto(socket, (Piece*)a.pieces, a.count, a.flags));

    private static nint ReadInto(NativeSocket socket, Piece* pieces, nint count, int flags)
    {
        nint failure = Check(pieces, count, discards: (flags & CallNames.MSG_TRUNC) != 0, out long total);
        if (failure < 0)
        {
            return failure;
        }

        if ((flags & CallNames.MSG_PEEK) != 0 && count > 1)
        {
            return PeekInto(socket, pieces, count, total, flags);
        }

        nint all = 0;
        for (nint i = 0; i < count || (count == 0 && i == 0); i++)
        {
            Span<byte> room = count == 0 ? [] : Room(pieces[i].Start, pieces[i].Length);
            if (room.IsEmpty && total > 0)
            {
                continue;
            }

            nint read = socket.Read(room, flags);
            if (read < 0)
            {
                return all > 0 ? all : read;
            }

            all += read;
            if (read < room.Length)
            {
                break;
            }
        }

        return all;
    }

    /// <summary>What is only looked at begins at the same byte for each piece: it is copied once and cut.</summary>
    private static nint PeekInto(NativeSocket socket, Piece* pieces, nint count, long total, int flags)
    {
        var whole = new byte[Math.Min(total, Math.Max(socket.Readable, 1))];
        nint peeked = socket.Read(whole, flags);
        ReadOnlySpan<byte> left = whole.AsSpan(0, (int)Math.Max(peeked, 0));
        for (nint i = 0; i < count && !left.IsEmpty; i++)
        {
            int part = (int)Math.Min(left.Length, pieces[i].Length);
            left[..part].CopyTo(Room(pieces[i].Start, part));
            left = left[part..];
        }

        return peeked;
    }

    private static nint WriteFrom(NativeSocket socket, Piece* pieces, nint count, int flags, ReadOnlySpan<byte> name)
    {
        nint failure = Check(pieces, count, discards: false, out long total);
        if (failure < 0)
        {
            return failure;
        }

        if (!name.IsEmpty)
        {
            return socket.WriteTo(name, Gather(pieces, count, total));
        }

        nint all = 0;
        for (nint i = 0; i < count || (count == 0 && i == 0); i++)
        {
            ReadOnlySpan<byte> bytes = count == 0 ? [] : Bytes(pieces[i].Start, pieces[i].Length);
            if (bytes.IsEmpty && total > 0)
            {
                continue;
            }

            nint written = socket.Write(bytes, flags);
            if (written < 0)
            {
                return all > 0 ? all : written;
            }

            all += written;
            if (written < bytes.Length)
            {
                break;
            }
        }

        return all;
    }

    private static byte[] Gather(Piece* pieces, nint count, long total)
    {
        var whole = new byte[Math.Min(total, ushort.MaxValue)];
        Span<byte> room = whole;
        for (nint i = 0; i < count && !room.IsEmpty; i++)
        {
            int part = (int)Math.Min(room.Length, pieces[i].Length);
            Bytes(pieces[i].Start, part).CopyTo(room);
            room = room[part..];
        }

        return whole;
    }

    private static nint Check(Piece* pieces, nint count, bool discards, out long total)
    {
        total = 0;
        if (count < 0 || count > MostPieces)
        {
            return count < 0 ? -EINVAL : -EMSGSIZE;
        }

        if (pieces is null && count > 0)
        {
            return -EFAULT;
        }

        for (nint i = 0; i < count; i++)
        {
            if (pieces[i].Length < 0)
            {
                return -EINVAL;
            }

            if (pieces[i].Start == 0 && pieces[i].Length > 0 && !discards)
            {
                return -EFAULT;
            }

            pieces[i].Length = Math.Min(pieces[i].Length, int.MaxValue);
            total += pieces[i].Length;
        }

        return 0;
    }

    /// <summary>TCP_CM_INQ: how much more there is to read.</summary>
    private static void WriteControl(NativeSocket socket, Message* message)
    {
        nint room = message->ControlLength;
        message->ControlLength = 0;
        if (!socket.Inq)
        {
            return;
        }

        if (room < InqLength || message->Control == 0)
        {
            message->Flags |= CallNames.MSG_CTRUNC;
            return;
        }

        // struct cmsghdr: its length, level and type, and the int.
        *(nint*)message->Control = InqLength;
        var fields = (int*)(message->Control + sizeof(nint));
        (fields[0], fields[1], fields[2]) = (Levels.SOL_TCP, ProtocolNames.TCP_INQ, socket.ReadHint);
        message->ControlLength = Math.Min(room, (nint)(InqLength + 4));
    }
}
