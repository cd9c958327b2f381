/*
 * mptcp.h: Multipath TCP (RFC 8684) in user space, driven packet by packet.
 *
 * A stack is one host without any input or output of its own: IP packets go in, IP packets come out, and time passes
 * only when mptcp_advance() says so. The same seed and the same calls give the same packets, byte for byte.
 *
 *     - Every call returns at once. What cannot be done now is -EAGAIN (read, write, accept) or -EINPROGRESS (connect).
 *     - A result below 0 is a negative errno of Linux, as the system call of that name would give it. A null pointer is
 *       -EFAULT, a socket that does not exist -EBADF.
 *     - A stack is not thread-safe: whoever shares one locks it. Different stacks have nothing in common.
 *     - Sockets are small integers that belong to their stack; they are not descriptors.
 *     - If the library finds a fault of its own, the call gives -ENOTRECOVERABLE, and so does every later one on that stack.
 *
 * Values, layouts and names are those of Linux on a 64-bit machine; options that Linux has and this library lacks are
 * -ENOPROTOOPT.
 */
#ifndef MPTCP_H
#define MPTCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What mptcp_abi_version() of a library with this header gives. It changes when a caller has to be compiled anew. */
#define MPTCP_ABI_VERSION 1

typedef struct mptcp_stack mptcp_stack;

/* ---- a stack ---------------------------------------------------------------------------------------------------- */

/* mptcp_config.checksum: the DSS checksum (RFC 8684 3.3). The peer's wish counts as well, but for REFUSE. */
enum {
    MPTCP_CHECKSUM_OFF = 0,      /* as net.mptcp.checksum_enabled=0 */
    MPTCP_CHECKSUM_REQUIRED = 1, /* as net.mptcp.checksum_enabled=1 */
    MPTCP_CHECKSUM_REFUSED = 2   /* a peer that requires it gets plain TCP */
};

/* mptcp_config.flags */
enum {
    MPTCP_CONFIG_DENY_JOIN_INITIAL = 1, /* flag C: no join to the initial address; as allow_join_initial_addr_port=0 */
    MPTCP_CONFIG_SYSTEM_RANDOM = 2,     /* keys and sequence numbers from the operating system, not from the seed */
    MPTCP_CONFIG_FASTOPEN_EARLY = 4     /* answer Fast Open before the third ACK (RFC 8684 Appendix B, Figure 19) */
};

/* Zeros mean the default everywhere. A shorter struct, of an older header, is taken; what it lacks is the default. */
struct mptcp_config {
    uint32_t size;            /* sizeof(struct mptcp_config) */
    uint32_t flags;           /* MPTCP_CONFIG_... */
    int64_t  clock_start_us;  /* the time at birth in microseconds, 0 or more */
    uint64_t seed;            /* of everything random: keys, nonces, initial sequence numbers, ports, timestamp offsets */
    /* Chooses the key of each connection, when not null: is asked again, up to 16 times, for 0 or a key whose token is in
       use, and the seed decides after that. Must not call this library. */
    uint64_t (*key)(void *context);
    void    *key_context;
    char     congestion[16];  /* "cubic" (the default), "reno", "bbr", as TCP_CONGESTION */
    char     scheduler[16];   /* "default", "lowest-rtt", "round-robin", "redundant", "blest", "ecf", "backup-only", "latency:MS" */
    uint32_t send_buffer;     /* what a send buffer may grow to, in bytes; default 4 MiB */
    uint32_t receive_buffer;  /* what a receive buffer may grow to, in bytes; the window scale follows; default 6 MiB */
    uint64_t memory;          /* what all buffers may take together, in bytes; default 1 GiB */
    uint8_t  checksum;        /* MPTCP_CHECKSUM_... */
    uint8_t  version;         /* of Multipath TCP: 1; 0 means 1 */
    uint8_t  reserved[2];     /* zeros */
    uint32_t close_timeout_ms;  /* how long a connection without a subflow waits; default 60,000; UINT32_MAX: not at all */
    uint32_t min_rto_ms;        /* the least retransmission timeout; default 200 */
};

int mptcp_abi_version(void);

/* A new host without interfaces. Null, and errno EINVAL (a field), EFAULT (no config), EPROTONOSUPPORT (version) or
   ENOENT (no such congestion control or scheduler), when the configuration is not usable. */
mptcp_stack *mptcp_stack_new(const struct mptcp_config *config);

/* Ends it without a word to any peer. The pointer is dead afterwards; null does nothing. */
void mptcp_stack_free(mptcp_stack *stack);

/* ---- interfaces and paths --------------------------------------------------------------------------------------- */

/* Gives an interface (1 or more) an address (its port is not looked at), the length of its prefix and an MTU (576, or
   1280 with IPv6, to 65535), which counts for the whole interface. A new interface is up. Packets leave by the interface
   that has their source address. -EEXIST: a interface has the address already. */
int mptcp_if_add(mptcp_stack *stack, int ifindex, const struct sockaddr *addr, int prefix, int mtu);

/* Takes the address away, or every address and the interface for a null addr. Its subflows end. -EADDRNOTAVAIL, -ENODEV. */
int mptcp_if_del(mptcp_stack *stack, int ifindex, const struct sockaddr *addr);

/* Down (0): nothing enters or leaves, packets are lost without a word, and data that waits there goes by other paths. */
int mptcp_if_up(mptcp_stack *stack, int ifindex, int up);

/* mptcp_endpoint.flags, as ip mptcp endpoint has them */
enum {
    MPTCP_ENDPOINT_SIGNAL = 1,   /* announce it (ADD_ADDR) */
    MPTCP_ENDPOINT_SUBFLOW = 2,  /* open a subflow from it to the peer's first address */
    MPTCP_ENDPOINT_BACKUP = 4,   /* its subflows are backups */
    MPTCP_ENDPOINT_FULLMESH = 8  /* open a subflow from it to each address of the peer */
};

struct mptcp_endpoint {
    uint32_t size;                 /* sizeof(struct mptcp_endpoint) */
    uint32_t flags;                /* MPTCP_ENDPOINT_... */
    struct sockaddr_storage addr;  /* an address of an interface; its port is announced with it if it is not 0 */
    int32_t  ifindex;              /* the interface that must have it; 0: any */
    uint8_t  id;                   /* 1 to 255; 0 takes a free one */
    uint8_t  reserved[3];          /* zeros */
};

/* Its identifier, 1 to 255. -EADDRNOTAVAIL: no interface has the address. -EEXIST: address or identifier is in use.
   -EINVAL: flags that contradict each other (signal with fullmesh, a port without signal). */
int mptcp_endpoint_add(mptcp_stack *stack, const struct mptcp_endpoint *endpoint);

/* REMOVE_ADDR, and its subflows close. -EINVAL: no such endpoint. */
int mptcp_endpoint_del(mptcp_stack *stack, int id);

/* Sets backup and fullmesh anew: MP_PRIO on its subflows, and subflows that a mesh lacks. -EINVAL: no such endpoint. */
int mptcp_endpoint_change(mptcp_stack *stack, int id, unsigned flags);

/* As ip mptcp limits: subflows beside the first one (0 to 8), and addresses of the peer that are used (0 to 8). At first
   2 and 0. Joins are taken within the first limit. -EINVAL: beyond. */
int mptcp_limits(mptcp_stack *stack, int subflows, int add_addr_accepted);

/* ---- packets and time ------------------------------------------------------------------------------------------- */

/* One IP packet arrives. Whatever its bytes are, 0: what is wrong with them is dropped and counted (mptcp_drops).
   -ENODEV: no such interface. -EMSGSIZE: longer than 65,535 bytes. */
int mptcp_input(mptcp_stack *stack, int ifindex, const void *ip_packet, size_t len);

/* The next packet that has left: its length, its interface and the time at which it left, in order. 0: there is none.
   -EMSGSIZE: it is longer than cap, and stays. The last two pointers may be null. */
ssize_t mptcp_output(mptcp_stack *stack, int *ifindex, void *buf, size_t cap, int64_t *left_at_us);

/* When mptcp_advance() should be called at the latest, in microseconds; INT64_MAX: nothing is waited for. */
int64_t mptcp_next_timer(mptcp_stack *stack);

/* It is now_us. Timers up to then run in their order, each at its own time, which is what mptcp_output() tells of the
   packets that follow. An earlier time than the last one changes nothing. */
void mptcp_advance(mptcp_stack *stack, int64_t now_us);

/* Packets that were not taken, since the beginning. */
int64_t mptcp_drops(mptcp_stack *stack);

/* ---- sockets ---------------------------------------------------------------------------------------------------- */

/* domain AF_INET or AF_INET6; type SOCK_STREAM, also with SOCK_NONBLOCK and SOCK_CLOEXEC, which change nothing; protocol
   0 or 6 (plain TCP), or 262 (Multipath TCP). The lowest number from 3 on that is free. -EMFILE: 65,536 are in use. */
int mptcp_socket(mptcp_stack *stack, int domain, int type, int protocol);
int mptcp_bind(mptcp_stack *stack, int s, const struct sockaddr *addr, socklen_t len);
int mptcp_listen(mptcp_stack *stack, int s, int backlog);

/* flags: SOCK_NONBLOCK and SOCK_CLOEXEC, which change nothing. addr may be null. */
int mptcp_accept(mptcp_stack *stack, int s, struct sockaddr *addr, socklen_t *len, int flags);

/* -EINPROGRESS at first, SO_ERROR and POLLOUT tell the outcome. AF_UNSPEC takes the connection back. */
int mptcp_connect(mptcp_stack *stack, int s, const struct sockaddr *addr, socklen_t len);

/* msg_flags as in recv(2) and send(2): MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_MORE, MSG_FASTOPEN; MSG_DONTWAIT and
   MSG_NOSIGNAL always hold. 0 from a read is the end of the stream. */
ssize_t mptcp_read(mptcp_stack *stack, int s, void *buf, size_t len, int msg_flags);
ssize_t mptcp_write(mptcp_stack *stack, int s, const void *buf, size_t len, int msg_flags);
ssize_t mptcp_readv(mptcp_stack *stack, int s, const struct iovec *iov, int n, int msg_flags);
ssize_t mptcp_writev(mptcp_stack *stack, int s, const struct iovec *iov, int n, int msg_flags);

/* As the above, with an address for MSG_FASTOPEN, and TCP_CM_INQ as control message when TCP_INQ is on. */
ssize_t mptcp_recvmsg(mptcp_stack *stack, int s, struct msghdr *msg, int msg_flags);
ssize_t mptcp_sendmsg(mptcp_stack *stack, int s, const struct msghdr *msg, int msg_flags);

int mptcp_shutdown(mptcp_stack *stack, int s, int how);
int mptcp_close(mptcp_stack *stack, int s);
int mptcp_getsockname(mptcp_stack *stack, int s, struct sockaddr *addr, socklen_t *len);
int mptcp_getpeername(mptcp_stack *stack, int s, struct sockaddr *addr, socklen_t *len);

/*
 * SOL_SOCKET: SO_ERROR, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_REUSEADDR, SO_REUSEPORT, SO_RCVBUF, SO_SNDBUF,
 *             SO_KEEPALIVE, SO_LINGER, SO_MARK, SO_PRIORITY
 * SOL_TCP:    TCP_NODELAY, TCP_CORK, TCP_MAXSEG, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT,
 *             TCP_NOTSENT_LOWAT, TCP_QUICKACK, TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_CONGESTION, TCP_INFO, TCP_INQ,
 *             TCP_IS_MPTCP
 * SOL_IP:     IP_TOS
 * SOL_IPV6:   IPV6_V6ONLY, IPV6_TCLASS
 * SOL_MPTCP:  MPTCP_INFO, MPTCP_TCPINFO, MPTCP_SUBFLOW_ADDRS, MPTCP_FULL_INFO
 */
int mptcp_getsockopt(mptcp_stack *stack, int s, int level, int name, void *value, socklen_t *len);
int mptcp_setsockopt(mptcp_stack *stack, int s, int level, int name, const void *value, socklen_t len);

/* FIONREAD (SIOCINQ), TIOCOUTQ (SIOCOUTQ), SIOCOUTQNSD: an int. FIONBIO changes nothing. Others: -ENOTTY. */
int mptcp_ioctl(mptcp_stack *stack, int s, unsigned long request, void *argument);

/* POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, POLLRDHUP, POLLHUP, POLLERR: what poll(2) would say now. */
int mptcp_poll_mask(mptcp_stack *stack, int s);

/* ---- events ----------------------------------------------------------------------------------------------------- */

enum {
    MPTCP_EVENT_READY = 1,             /* mptcp_poll_mask() has changed to `mask` */
    MPTCP_EVENT_ESTABLISHED = 2,       /* the connection stands; `token` and `multipath` say as what */
    MPTCP_EVENT_CLOSED = 3,            /* the connection is over; `error` is an errno, 0 for an orderly end */
    MPTCP_EVENT_FALLBACK = 4,          /* it is plain TCP from here on (RFC 8684 3.7) */
    MPTCP_EVENT_ANNOUNCED = 5,         /* the peer has announced `remote` as `remote_id` */
    MPTCP_EVENT_REMOVED = 6,           /* the peer has removed `remote_id` */
    MPTCP_EVENT_SUB_ESTABLISHED = 10,  /* a further subflow has joined */
    MPTCP_EVENT_SUB_CLOSED = 11,       /* a subflow has ended; `error` is an errno */
    MPTCP_EVENT_SUB_PRIORITY = 13,     /* the peer has changed the priority of a subflow; `backup` */
    MPTCP_EVENT_SUB_SUSPECT = 14       /* a subflow is silent: its data goes by others */
};

struct mptcp_event {
    uint32_t type;       /* MPTCP_EVENT_... */
    int32_t  socket;     /* the socket; -1 for a connection that no socket has: not yet accepted, or closed */
    int64_t  at_us;      /* when */
    uint32_t mask;       /* READY */
    uint32_t token;      /* our token; 0 for plain TCP */
    int32_t  error;
    int32_t  ifindex;    /* of a subflow; 0 where there is none */
    uint8_t  local_id;
    uint8_t  remote_id;
    uint8_t  backup;
    uint8_t  multipath;
    uint32_t code;       /* a reason, as docs/c-api.md lists them; 0 for none */
    struct sockaddr_storage local;   /* of a subflow; ss_family 0 where there is none */
    struct sockaddr_storage remote;
};

/* Takes up to max events, the oldest first: how many. They wait up to 4,096; the oldest of more is dropped. READY says
   what has changed since the last call, once for each socket, after the others. */
int mptcp_events(mptcp_stack *stack, struct mptcp_event *events, int max);

#ifdef __cplusplus
}
#endif

#endif
