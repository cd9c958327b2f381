using System.Runtime.InteropServices;
using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Native;

/// <summary>struct mptcp_event, as mptcp.h has it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeEvent
{
    public uint Type;
    public int Socket;
    public long At;
    public uint Mask;
    public uint Token;
    public int Error;
    public int Interface;
    public byte LocalId;
    public byte RemoteId;
    public byte Backup;
    public byte Multipath;
    public uint Code;
    private fixed byte _local[SocketAddresses.StorageLength];
    private fixed byte _remote[SocketAddresses.StorageLength];

    public void SetLocal(IpEndpoint endpoint)
    {
        fixed (byte* field = _local)
        {
            SocketAddresses.Write(new Span<byte>(field, SocketAddresses.StorageLength), endpoint);
        }
    }

    public void SetRemote(IpEndpoint endpoint)
    {
        fixed (byte* field = _remote)
        {
            SocketAddresses.Write(new Span<byte>(field, SocketAddresses.StorageLength), endpoint);
        }
    }
}

/// <summary>What has happened to connections and paths, in order, and whose readiness has changed.</summary>
internal sealed class EventQueue(NativeStack host)
{
    private const int Limit = 4096;
    private const uint Ready = 1;
    private const uint Established = 2;
    private const uint Closed = 3;
    private const uint Fallback = 4;
    private const uint Announced = 5;
    private const uint Removed = 6;
    private const uint SubflowEstablished = 10;
    private const uint SubflowClosed = 11;
    private const uint SubflowPriority = 13;
    private const uint SubflowSuspect = 14;
    private readonly Queue<NativeEvent> _waiting = new();
    private readonly List<NativeEvent> _fresh = [];
    private readonly List<SubflowInfo> _subflows = [];

    /// <summary>Takes the oldest events; returns how many.</summary>
    public int Take(Span<NativeEvent> events)
    {
        Collect();
        int count = 0;
        while (count < events.Length && _waiting.TryDequeue(out NativeEvent next))
        {
            events[count++] = next;
        }

        foreach (NativeSocket? socket in host.Sockets.All)
        {
            if (count == events.Length)
            {
                break;
            }

            if (socket is not null && socket.PollMask is var mask && mask != socket.LastMask)
            {
                socket.LastMask = mask;
                events[count++] = new NativeEvent
                {
                    Type = Ready,
                    Socket = socket.Number,
                    At = NativeStack.ToMicroseconds(host.Now),
                    Mask = (uint)mask,
                };
            }
        }

        return count;
    }

    private void Collect()
    {
        _fresh.Clear();
        foreach (NativeSocket? socket in host.Sockets.All)
        {
            if (socket?.Stream is { } stream)
            {
                Collect(stream, socket.Number);
                if (!socket.EndTold && stream.State == TcpState.Closed)
                {
                    socket.EndTold = true;
                    _fresh.Add(New(Closed, socket.Number, stream, host.Now) with { Error = NativeSocket.ErrorOf(stream) });
                }
            }
        }

        foreach (StackSocket stream in host.Stack.Sockets)
        {
            if (host.Sockets.Find(stream) is null)
            {
                Collect(stream, -1);
            }
        }

        // Each connection's are in order already: a merge by time that leaves equals as they are.
        foreach (NativeEvent next in _fresh.OrderBy(one => one.At))
        {
            if (_waiting.Count == Limit)
            {
                _waiting.Dequeue();
            }

            _waiting.Enqueue(next);
        }
    }

    private void Collect(StackSocket stream, int socket)
    {
        while (stream.TryTakeEvent(out ConnectionEvent taken))
        {
            if (TypeOf(taken) is var type && type != 0)
            {
                _fresh.Add(Convert(type, socket, stream, taken));
            }
        }
    }

    private NativeEvent Convert(uint type, int socket, StackSocket stream, in ConnectionEvent taken)
    {
        NativeEvent made = New(type, socket, stream, taken.At);
        made.Code = (uint)taken.Code;
        if (taken.Subflow < 0 && type != Announced)
        {
            return made;
        }

        made.SetLocal(taken.Local);
        made.SetRemote(taken.Remote);
        made.Interface = host.Find(taken.Local.Address)?.Link ?? 0;
        stream.CopySubflows(_subflows);
        int number = taken.Subflow;
        int at = _subflows.FindIndex(subflow => subflow.Number == number);
        if (at >= 0)
        {
            SubflowInfo subflow = _subflows[at];
            (made.LocalId, made.RemoteId, made.Backup) = (subflow.LocalId, subflow.RemoteId, subflow.PeerAskedBackup ? (byte)1 : (byte)0);
            made.Error = type == SubflowClosed ? ErrorOf(subflow.CloseReason) : 0;
        }

        return made;
    }

    private static NativeEvent New(uint type, int socket, StackSocket stream, Instant at)
    {
        ConnectionInfo info = stream.Info;
        return new NativeEvent
        {
            Type = type,
            Socket = socket,
            At = NativeStack.ToMicroseconds(at),
            Token = info.Token,
            Multipath = info.RemoteKeyKnown && info.Token != 0 ? (byte)1 : (byte)0,
        };
    }

    private static uint TypeOf(in ConnectionEvent taken) => taken.Kind switch
    {
        ConnectionEventKind.SubflowEstablished => taken.Code == ConnectionEventCode.Initial ? Established : SubflowEstablished,
        ConnectionEventKind.SubflowClosed => SubflowClosed,
        ConnectionEventKind.SubflowSuspect => SubflowSuspect,
        ConnectionEventKind.AddressAnnounced => Announced,
        ConnectionEventKind.AddressRemoved => Removed,
        ConnectionEventKind.PriorityChanged => SubflowPriority,
        ConnectionEventKind.Fallback => Fallback,
        _ => 0,
    };

    private static int ErrorOf(TcpCloseReason reason) => reason switch
    {
        TcpCloseReason.Refused => Errno.ECONNREFUSED,
        TcpCloseReason.TimedOut => Errno.ETIMEDOUT,
        TcpCloseReason.Unreachable => Errno.EHOSTUNREACH,
        TcpCloseReason.ResetByPeer => Errno.ECONNRESET,
        TcpCloseReason.Aborted => Errno.ECONNABORTED,
        _ => 0,
    };
}
