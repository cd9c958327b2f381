namespace Mptcp.Native;

/// <summary>Address families, socket types and protocols of Linux.</summary>
internal static class Families
{
    public const int AF_UNSPEC = 0;
    public const int AF_INET = 2;
    public const int AF_INET6 = 10;
    public const int SOCK_STREAM = 1;
    public const int SOCK_MAX = 11;
    public const int SOCK_NONBLOCK = 0x800;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int IPPROTO_IP = 0;
    public const int IPPROTO_TCP = 6;
    public const int IPPROTO_MPTCP = 262;
}

/// <summary>Levels of socket options.</summary>
internal static class Levels
{
    public const int SOL_IP = 0;
    public const int SOL_SOCKET = 1;
    public const int SOL_TCP = 6;
    public const int SOL_IPV6 = 41;
    public const int SOL_MPTCP = 284;
}

/// <summary>The names of SOL_SOCKET.</summary>
internal static class SocketNames
{
    public const int SO_REUSEADDR = 2;
    public const int SO_TYPE = 3;
    public const int SO_ERROR = 4;
    public const int SO_SNDBUF = 7;
    public const int SO_RCVBUF = 8;
    public const int SO_KEEPALIVE = 9;
    public const int SO_PRIORITY = 12;
    public const int SO_LINGER = 13;
    public const int SO_REUSEPORT = 15;
    public const int SO_ACCEPTCONN = 30;
    public const int SO_MARK = 36;
    public const int SO_PROTOCOL = 38;
    public const int SO_DOMAIN = 39;
}

/// <summary>The names of SOL_TCP, SOL_IP, SOL_IPV6 and SOL_MPTCP.</summary>
internal static class ProtocolNames
{
    public const int TCP_NODELAY = 1;
    public const int TCP_MAXSEG = 2;
    public const int TCP_CORK = 3;
    public const int TCP_KEEPIDLE = 4;
    public const int TCP_KEEPINTVL = 5;
    public const int TCP_KEEPCNT = 6;
    public const int TCP_INFO = 11;
    public const int TCP_QUICKACK = 12;
    public const int TCP_CONGESTION = 13;
    public const int TCP_USER_TIMEOUT = 18;
    public const int TCP_FASTOPEN = 23;
    public const int TCP_NOTSENT_LOWAT = 25;
    public const int TCP_FASTOPEN_CONNECT = 30;
    public const int TCP_INQ = 36;
    public const int TCP_IS_MPTCP = 43;
    public const int IP_TOS = 1;
    public const int IPV6_V6ONLY = 26;
    public const int IPV6_TCLASS = 67;
    public const int MPTCP_INFO = 1;
    public const int MPTCP_TCPINFO = 2;
    public const int MPTCP_SUBFLOW_ADDRS = 3;
    public const int MPTCP_FULL_INFO = 4;
}

/// <summary>Flags of messages, what poll says, how to shut down, and requests of ioctl.</summary>
internal static class CallNames
{
    public const int MSG_OOB = 0x1;
    public const int MSG_PEEK = 0x2;
    public const int MSG_CTRUNC = 0x8;
    public const int MSG_TRUNC = 0x20;
    public const int MSG_ERRQUEUE = 0x2000;
    public const int MSG_MORE = 0x8000;
    public const int MSG_FASTOPEN = 0x20000000;
    public const int POLLIN = 0x1;
    public const int POLLOUT = 0x4;
    public const int POLLERR = 0x8;
    public const int POLLHUP = 0x10;
    public const int POLLRDNORM = 0x40;
    public const int POLLWRNORM = 0x100;
    public const int POLLRDHUP = 0x2000;
    public const int SHUT_RD = 0;
    public const int SHUT_WR = 1;
    public const int SHUT_RDWR = 2;
    public const uint TIOCOUTQ = 0x5411;
    public const uint FIONREAD = 0x541B;
    public const uint FIONBIO = 0x5421;
    public const uint SIOCOUTQNSD = 0x894B;
}
