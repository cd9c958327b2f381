/*
 * What a program sees of its sockets in every state: results, errno, names, options, poll masks. One source, compiled
 * against the kernel's sockets and against mptcp.h; the outputs of the two are compared line by line.
 */
#include "sockets.h"
#include <netinet/tcp.h>
#include <stdarg.h>

#ifndef TCP_INQ
#define TCP_INQ 36
#endif
#define TCP_IS_MPTCP_ 43
#define ANY (POLLIN | POLLOUT | POLLRDHUP)

static int protocol;
static uint16_t next_port = 20000;
static char buffer[262144];

static const char *errno_name(long error)
{
    static const struct { int value; const char *name; } names[] = {
        {EBADF, "EBADF"}, {EAGAIN, "EAGAIN"}, {EFAULT, "EFAULT"}, {EINVAL, "EINVAL"}, {ENOTTY, "ENOTTY"}, {EPIPE, "EPIPE"},
        {EDOM, "EDOM"}, {EMSGSIZE, "EMSGSIZE"}, {ENOPROTOOPT, "ENOPROTOOPT"}, {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
        {ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {EAFNOSUPPORT, "EAFNOSUPPORT"},
        {EADDRINUSE, "EADDRINUSE"}, {EADDRNOTAVAIL, "EADDRNOTAVAIL"}, {ENETUNREACH, "ENETUNREACH"},
        {ECONNABORTED, "ECONNABORTED"}, {ECONNRESET, "ECONNRESET"}, {ENOBUFS, "ENOBUFS"}, {EISCONN, "EISCONN"},
        {ENOTCONN, "ENOTCONN"}, {ETIMEDOUT, "ETIMEDOUT"}, {ECONNREFUSED, "ECONNREFUSED"}, {EHOSTUNREACH, "EHOSTUNREACH"},
        {EALREADY, "EALREADY"}, {EINPROGRESS, "EINPROGRESS"}, {ENOENT, "ENOENT"}, {ENOTSOCK, "ENOTSOCK"},
        {EDESTADDRREQ, "EDESTADDRREQ"}, {EPROTOTYPE, "EPROTOTYPE"}, {ENOTSUP, "EOPNOTSUPP"}, {EPERM, "EPERM"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].value == error)
            return names[i].name;
    }

    return "?";
}

static void title(const char *format, va_list arguments)
{
    printf("%s ", protocol == IPPROTO_MPTCP ? "mptcp" : "tcp");
    vprintf(format, arguments);
}

/* A result: a number, or the name of an errno. */
static void say(long value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    title(format, arguments);
    va_end(arguments);
    if (value < 0)
        printf(": %s\n", errno_name(-value));
    else
        printf(": %ld\n", value);
}

/* What poll says. */
static void say_poll(int s, const char *format, ...)
{
    static const struct { int bit; const char *name; } names[] = {
        {POLLIN, "IN"}, {POLLOUT, "OUT"}, {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLRDNORM, "RDNORM"},
        {POLLWRNORM, "WRNORM"}, {POLLRDHUP, "RDHUP"},
    };
    va_list arguments;
    va_start(arguments, format);
    title(format, arguments);
    va_end(arguments);
    int mask = so_poll(s);
    printf(", poll:");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mask & names[i].bit)
            printf(" %s", names[i].name);
    }

    printf("\n");
}

static struct sockaddr_in v4(const char *address, uint16_t port)
{
    struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &made.sin_addr);
    return made;
}

static struct sockaddr_in6 v6(const char *address, uint16_t port)
{
    struct sockaddr_in6 made = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET6, address, &made.sin6_addr);
    return made;
}

#define ADDRESS(x) &(x), sizeof(x)

static void say_address(int failure, const void *address, const socklen_t *given, const char *name)
{
    char text[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *four = address;
    const struct sockaddr_in6 *six = address;
    socklen_t length = *given;
    if (failure < 0) {
        say(failure, "%s", name);
        return;
    }

    int port = ntohs(four->sin_family == AF_INET ? four->sin_port : six->sin6_port);
    inet_ntop(four->sin_family, four->sin_family == AF_INET ? (const void *)&four->sin_addr : &six->sin6_addr, text, sizeof text);
    printf("%s %s: %s port %s length %u\n", protocol == IPPROTO_MPTCP ? "mptcp" : "tcp", name, text,
           port == 0 ? "0" : port >= 32768 ? "ephemeral" : "given", length);
}

static void say_names(int s, const char *name)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char text[80];
    snprintf(text, sizeof text, "%s, getsockname", name);
    say_address(so_getsockname(s, &address, &length), &address, &length, text);
    length = sizeof address;
    snprintf(text, sizeof text, "%s, getpeername", name);
    say_address(so_getpeername(s, &address, &length), &address, &length, text);
}

static long option(int s, int level, int name)
{
    int value = 0x5a5a5a5a;
    socklen_t length = sizeof value;
    int failure = so_getsockopt(s, level, name, &value, &length);
    return failure < 0 ? failure : value;
}

static int set(int s, int level, int name, int value) { return so_setsockopt(s, level, name, &value, sizeof value); }

static int open_at(enum host at) { return so_socket(at, AF_INET, SOCK_STREAM, protocol); }

/* A listener of the far host; its port is next_port. */
static int listener(int backlog)
{
    int s = open_at(FAR);
    struct sockaddr_in place = v4("10.0.0.2", ++next_port);
    so_bind(s, ADDRESS(place));
    so_listen(s, backlog);
    return s;
}

static int connect_to(int s, const char *address, uint16_t port)
{
    struct sockaddr_in place = v4(address, port);
    return so_connect(s, ADDRESS(place));
}

struct pair { int near, far; };

static struct pair connected(void)
{
    int waiting = listener(8);
    struct pair made = {open_at(NEAR), -1};
    connect_to(made.near, "10.0.0.2", next_port);
    so_await(made.near, POLLOUT);
    so_await(waiting, POLLIN);
    made.far = so_accept(waiting, NULL, NULL, 0);
    so_close(waiting);
    return made;
}

static void part(struct pair both)
{
    so_close(both.near);
    so_close(both.far);
}

static void test_socket(void)
{
    static const struct { int domain, type, protocol; } tried[] = {
        {-1, SOCK_STREAM, 0}, {999, SOCK_STREAM, 0}, {AF_INET, -1, 0}, {AF_INET, 15, 0}, {AF_INET, SOCK_STREAM, 17},
        {AF_INET, SOCK_STREAM, -1}, {AF_INET, SOCK_STREAM, 300}, {AF_INET, SOCK_STREAM, 200}, {AF_INET6, SOCK_STREAM, 17},
    };
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++)
        say(so_socket(NEAR, tried[i].domain, tried[i].type, tried[i].protocol), "socket %d %d %d", tried[i].domain, tried[i].type, tried[i].protocol);
}

static void test_bind(void)
{
    int s = open_at(NEAR);
    struct sockaddr_in place = v4("10.0.0.1", ++next_port);
    struct sockaddr_in6 six = v6("fd00::1", next_port);
    say(so_bind(NO_SOCKET, ADDRESS(place)), "bind no socket");
    say(so_bind(s, NULL, sizeof place), "bind null");
    say(so_bind(s, &place, 0), "bind length 0");
    say(so_bind(s, &place, 1), "bind length 1");
    say(so_bind(s, &place, 15), "bind length 15");
    say(so_bind(s, &place, 129), "bind length 129");
    say(so_bind(s, &place, (socklen_t)-1), "bind length -1");
    say(so_bind(s, ADDRESS(six)), "bind wrong family");
    struct sockaddr_in strange = place;
    strange.sin_family = AF_UNSPEC;
    say(so_bind(s, ADDRESS(strange)), "bind family 0");
    strange = v4("10.9.9.9", next_port);
    say(so_bind(s, ADDRESS(strange)), "bind not local");
    strange = v4("255.255.255.255", next_port);
    int other = open_at(NEAR);
    say(so_bind(other, ADDRESS(strange)), "bind broadcast");
    so_close(other);
    say(so_bind(s, ADDRESS(place)), "bind");
    say(so_bind(s, ADDRESS(place)), "bind twice");
    say_names(s, "bound");
    other = open_at(NEAR);
    say(so_bind(other, ADDRESS(place)), "bind in use");
    strange = v4("0.0.0.0", next_port);
    say(so_bind(other, ADDRESS(strange)), "bind any, one in use");
    set(other, SOL_SOCKET, SO_REUSEADDR, 1);
    say(so_bind(other, ADDRESS(place)), "bind in use, SO_REUSEADDR on one");
    set(s, SOL_SOCKET, SO_REUSEADDR, 1);
    say(so_bind(other, ADDRESS(place)), "bind in use, SO_REUSEADDR on both");
    say(so_listen(s, 1), "listen, bound with another");
    say(so_listen(other, 1), "listen, the other listens");
    so_close(other);
    other = open_at(NEAR);
    set(other, SOL_SOCKET, SO_REUSEADDR, 1);
    say(so_bind(other, ADDRESS(place)), "bind beside a listener, SO_REUSEADDR on both");
    so_close(other);
    so_close(s);
    s = open_at(NEAR);
    strange = v4("0.0.0.0", 0);
    say(so_bind(s, ADDRESS(strange)), "bind any port");
    say_names(s, "bound to any");
    so_close(s);
    s = open_at(NEAR);
    strange.sin_family = AF_UNSPEC;
    say(so_bind(s, ADDRESS(strange)), "bind any, family 0");
    so_close(s);
    s = open_at(NEAR);
    say_names(s, "unbound");
    socklen_t length = 4;
    say(so_getsockname(s, buffer, &length), "getsockname short");
    say(length, "getsockname short, length");
    length = (socklen_t)-1;
    say(so_getsockname(s, buffer, &length), "getsockname length -1");
    say(so_getsockname(s, buffer, NULL), "getsockname length null");
    length = 16;
    say(so_getsockname(s, NULL, &length), "getsockname null");
    say(so_getsockname(NO_SOCKET, buffer, &length), "getsockname no socket");
    say(so_getpeername(NO_SOCKET, buffer, &length), "getpeername no socket");
    say(so_getpeername(s, NULL, &length), "getpeername null, not connected");
    so_close(s);
}

static void test_bind_v6(void)
{
    int s = so_socket(NEAR, AF_INET6, SOCK_STREAM, protocol);
    struct sockaddr_in6 six = v6("fd00::1", ++next_port);
    struct sockaddr_in four = v4("10.0.0.1", next_port);
    say(so_bind(s, &six, 23), "v6 bind length 23");
    say(so_bind(s, ADDRESS(four)), "v6 bind v4, short");
    struct sockaddr_storage wide = {0};
    memcpy(&wide, &four, sizeof four);
    say(so_bind(s, &wide, sizeof six), "v6 bind v4");
    struct sockaddr_in6 strange = v6("fd00::99", next_port);
    say(so_bind(s, ADDRESS(strange)), "v6 bind not local");
    say(option(s, IPPROTO_IPV6, IPV6_V6ONLY), "v6 IPV6_V6ONLY");
    strange = v6("::ffff:10.0.0.1", next_port);
    say(so_bind(s, ADDRESS(strange)), "v6 bind mapped");
    say_names(s, "v6 bound mapped");
    say(set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1), "v6 IPV6_V6ONLY set when bound");
    int other = open_at(NEAR);
    say(so_bind(other, ADDRESS(four)), "bind v4, mapped in use");
    so_close(other);
    so_close(s);
    s = so_socket(NEAR, AF_INET6, SOCK_STREAM, protocol);
    say(set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1), "v6 IPV6_V6ONLY set");
    say(option(s, IPPROTO_IPV6, IPV6_V6ONLY), "v6 IPV6_V6ONLY now");
    say(so_bind(s, ADDRESS(strange)), "v6 only, bind mapped");
    strange = v6("::", next_port);
    say(so_bind(s, ADDRESS(strange)), "v6 only, bind any");
    other = open_at(NEAR);
    four = v4("0.0.0.0", next_port);
    say(so_bind(other, ADDRESS(four)), "bind v4 any, v6 only any in use");
    so_close(other);
    so_close(s);
    s = so_socket(NEAR, AF_INET6, SOCK_STREAM, protocol);
    say(so_bind(s, ADDRESS(strange)), "v6 bind any");
    other = open_at(NEAR);
    say(so_bind(other, ADDRESS(four)), "bind v4 any, v6 any in use");
    so_close(other);
    so_close(s);
}

static void test_v6(void)
{
    int waiting = so_socket(FAR, AF_INET6, SOCK_STREAM, protocol);
    struct sockaddr_in6 place = v6("::", ++next_port);
    say(so_bind(waiting, ADDRESS(place)), "v6 bind");
    say(so_listen(waiting, 4), "v6 listen");
    int s = so_socket(NEAR, AF_INET6, SOCK_STREAM, protocol);
    place = v6("fd00::2", next_port);
    struct sockaddr_in four = v4("10.0.0.2", next_port);
    struct sockaddr_in6 from = v6("fd00::1", 0);
    so_bind(s, ADDRESS(from));
    say(so_connect(s, &place, 23), "v6 connect length 23");
    say(so_connect(s, ADDRESS(four)), "v6 connect v4");
    say(so_connect(s, ADDRESS(place)), "v6 connect");
    so_await(s, POLLOUT);
    say_names(s, "v6 connected");
    so_await(waiting, POLLIN);
    int accepted = so_accept(waiting, NULL, NULL, 0);
    say_names(accepted, "v6 accepted");
    so_close(s);
    so_close(accepted);
    s = so_socket(NEAR, AF_INET6, SOCK_STREAM, protocol);
    place = v6("::ffff:10.0.0.2", next_port);
    say(so_connect(s, ADDRESS(place)), "v6 connect mapped");
    so_await(s, POLLOUT);
    say_names(s, "v6 connected mapped");
    so_await(waiting, POLLIN);
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    accepted = so_accept(waiting, &peer, &length, 0);
    say_address(accepted < 0 ? accepted : 0, &peer, &length, "v6 accept mapped");
    so_close(s);
    so_close(accepted);
    s = open_at(NEAR);
    say(so_connect(s, ADDRESS(four)), "connect v4 to v6 any");
    so_await(s, POLLOUT);
    so_await(waiting, POLLIN);
    accepted = so_accept(waiting, NULL, NULL, 0);
    say(accepted < 0 ? accepted : 0, "v6 accept v4");
    so_close(s);
    so_close(accepted);
    so_close(waiting);
}

static void test_listen(void)
{
    int s = open_at(NEAR);
    say(so_listen(NO_SOCKET, 1), "listen no socket");
    say(so_listen(s, 1), "listen unbound");
    say_names(s, "listening unbound");
    say(so_listen(s, 5), "listen again");
    say(so_listen(s, -1), "listen -1");
    say_poll(s, "listening");
    struct sockaddr_in place = v4("10.0.0.1", ++next_port);
    say(so_bind(s, ADDRESS(place)), "bind listening");
    say(connect_to(s, "10.0.0.2", 9), "connect listening");
    say(so_recv(s, buffer, 10, 0), "recv listening");
    say(so_send(s, buffer, 10, 0), "send listening");
    say(so_shutdown(s, SHUT_WR), "shutdown write listening");
    say(option(s, SOL_SOCKET, SO_ACCEPTCONN), "SO_ACCEPTCONN listening");
    int value = 7;
    say(so_ioctl(s, SIOCINQ, &value), "SIOCINQ listening");
    say(so_ioctl(s, SIOCOUTQ, &value), "SIOCOUTQ listening");
    say(so_accept(NO_SOCKET, NULL, NULL, 0), "accept no socket");
    say(so_accept(s, NULL, NULL, 0), "accept nobody");
    say(so_accept(s, NULL, NULL, 0x4000), "accept flags");
    say(so_accept(s, buffer, NULL, 0), "accept length null, nobody");
    socklen_t length = (socklen_t)-1;
    say(so_accept(s, buffer, &length, 0), "accept length -1, nobody");
    say(so_shutdown(s, SHUT_RD), "shutdown read listening");
    say_poll(s, "no longer listening");
    say(so_accept(s, NULL, NULL, 0), "accept after shutdown");
    say(so_listen(s, 1), "listen after shutdown");
    so_close(s);
    s = open_at(NEAR);
    say(so_accept(s, NULL, NULL, 0), "accept not listening");
    so_close(s);
    struct pair both = connected();
    say(so_listen(both.near, 1), "listen connected");
    say(so_accept(both.near, NULL, NULL, 0), "accept connected");
    part(both);
}

static void test_accept(void)
{
    int waiting = listener(0);
    int s = open_at(NEAR);
    connect_to(s, "10.0.0.2", next_port);
    so_await(s, POLLOUT);
    so_await(waiting, POLLIN);
    say_poll(waiting, "listening, one waits");
    struct sockaddr_storage peer;
    socklen_t length = 4;
    memset(&peer, 0x5a, sizeof peer);
    int accepted = so_accept(waiting, &peer, &length, 0);
    say(accepted < 0 ? accepted : 0, "accept short");
    say(length, "accept short, length");
    say(((unsigned char *)&peer)[4], "accept short, byte behind");
    say_poll(waiting, "listening, taken");
    say_names(accepted, "accepted");
    say_poll(accepted, "accepted");
    say(option(accepted, SOL_SOCKET, SO_PROTOCOL), "SO_PROTOCOL accepted");
    so_close(accepted);
    so_close(s);
    so_close(waiting);
}

static void test_connect(void)
{
    int s = open_at(NEAR);
    struct sockaddr_in place = v4("10.0.0.2", 9);
    struct sockaddr_in6 six = v6("fd00::2", 9);
    say(so_connect(NO_SOCKET, ADDRESS(place)), "connect no socket");
    say(so_connect(s, NULL, sizeof place), "connect null");
    say(so_connect(s, &place, 1), "connect length 1");
    say(so_connect(s, &place, 15), "connect length 15");
    say(so_connect(s, &place, 129), "connect length 129");
    say(so_connect(s, ADDRESS(six)), "connect wrong family");
    say(connect_to(s, "224.0.0.1", 9), "connect multicast");
    place.sin_family = AF_UNSPEC;
    say(so_connect(s, ADDRESS(place)), "connect AF_UNSPEC unconnected");
    say_poll(s, "new");
    say(option(s, SOL_SOCKET, SO_ERROR), "SO_ERROR new");
    say(so_recv(s, buffer, 10, 0), "recv new");
    say(so_send(s, buffer, 10, 0), "send new");
    say(so_send(s, buffer, 0, 0), "send nothing new");
    say(so_shutdown(s, SHUT_RDWR), "shutdown new");
    int value = 7;
    say(so_ioctl(s, SIOCINQ, &value), "SIOCINQ new");
    say(value, "SIOCINQ new, value");
    say(so_ioctl(s, SIOCOUTQ, &value), "SIOCOUTQ new");
    say(so_ioctl(s, 0x1234, &value), "ioctl unknown");
    say(so_ioctl(NO_SOCKET, SIOCINQ, &value), "ioctl no socket");
    so_close(s);
}

static void test_refused(void)
{
    int s = open_at(NEAR);
    say(connect_to(s, "10.0.0.2", 9), "refused, connect");
    so_await(s, POLLOUT);
    say_poll(s, "refused");
    say(connect_to(s, "10.0.0.2", 9), "refused, connect again");
    say(option(s, SOL_SOCKET, SO_ERROR), "refused, SO_ERROR after that");
    say_poll(s, "refused and told");
    say(connect_to(s, "10.0.0.2", 9), "refused, connect a third time");
    so_await(s, POLLOUT);
    say(option(s, SOL_SOCKET, SO_ERROR), "refused, SO_ERROR");
    say(option(s, SOL_SOCKET, SO_ERROR), "refused, SO_ERROR again");
    say_poll(s, "refused and asked");
    say(so_recv(s, buffer, 10, 0), "refused, recv");
    say(so_send(s, buffer, 10, 0), "refused, send");
    say(connect_to(s, "10.0.0.2", 9), "refused and asked, connect");
    so_close(s);
    s = open_at(NEAR);
    connect_to(s, "10.0.0.2", 9);
    so_await(s, POLLOUT);
    say(so_send(s, buffer, 10, 0), "refused, send first");
    say(so_send(s, buffer, 10, 0), "refused, send second");
    say(so_recv(s, buffer, 10, 0), "refused, recv then");
    so_close(s);
    s = open_at(NEAR);
    connect_to(s, "10.0.0.2", 9);
    so_await(s, POLLOUT);
    say(so_recv(s, buffer, 10, 0), "refused, recv first");
    say(so_recv(s, buffer, 10, 0), "refused, recv second");
    so_close(s);
}

static void test_connected(void)
{
    int waiting = listener(8);
    int s = open_at(NEAR);
    say(connect_to(s, "10.0.0.2", next_port), "connect");
    so_await(s, POLLOUT);
    say_poll(s, "connected");
    say(connect_to(s, "10.0.0.2", next_port), "connect second");
    say(connect_to(s, "10.0.0.2", next_port), "connect third");
    say_names(s, "connected");
    so_await(waiting, POLLIN);
    int far = so_accept(waiting, NULL, NULL, 0);
    struct sockaddr_in place = v4("10.0.0.1", ++next_port);
    say(so_bind(s, ADDRESS(place)), "bind connected");
    say(so_recv(s, buffer, 10, 0), "recv nothing");
    say(so_recv(s, buffer, 0, 0), "recv length 0");
    say(so_send(s, buffer, 0, 0), "send nothing");
    say(so_recv(NO_SOCKET, buffer, 10, 0), "recv no socket");
    say(so_send(NO_SOCKET, buffer, 10, 0), "send no socket");
    say(so_send(s, "abcdefgh", 8, 0), "send");
    so_await(far, POLLIN);
    say_poll(far, "data");
    int value = 0;
    say(so_ioctl(far, SIOCINQ, &value), "SIOCINQ");
    say(value, "SIOCINQ, value");
    say(so_recv(far, buffer, 3, MSG_PEEK), "recv MSG_PEEK");
    say(buffer[0], "recv MSG_PEEK, first");
    say(so_recv(far, buffer, 3, 0), "recv");
    say(buffer[2], "recv, third");
    say(so_recv(far, NULL, 2, MSG_TRUNC), "recv MSG_TRUNC null");
    say(so_recv(far, buffer, 10, MSG_WAITALL), "recv MSG_WAITALL");
    say(buffer[0], "recv MSG_WAITALL, first");
    say(so_recv(far, buffer, 10, MSG_PEEK), "recv MSG_PEEK nothing");
    say(so_recv(far, buffer, 10, MSG_OOB), "recv MSG_OOB");
    say(so_recv(far, buffer, 10, MSG_ERRQUEUE), "recv MSG_ERRQUEUE");
    so_send(s, "xy", 2, 0);
    so_await(far, POLLIN);
    struct iovec pieces[3] = {{buffer, 1}, {buffer + 1, 0}, {buffer + 2, 5}};
    say(so_readv(far, pieces, 3), "readv");
    say(so_readv(far, pieces, -1), "readv -1");
    say(so_readv(far, pieces, 1025), "readv 1025");
    say(so_writev(far, pieces, -1), "writev -1");
    say(so_writev(far, pieces, 1025), "writev 1025");
    say(so_writev(far, pieces, 3), "writev");
    pieces[1].iov_len = (size_t)-1;
    say(so_writev(far, pieces, 3), "writev length -1");
    say(so_writev(far, NULL, 0), "writev none");
    so_await(s, POLLIN);
    say(so_recv(s, buffer, 10, 0), "recv of writev");
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 1};
    say(so_sendmsg(far, &message, 0), "sendmsg");
    so_await(s, POLLIN);
    say(set(s, SOL_TCP, TCP_INQ, 1), "TCP_INQ set");
    char control[64] = {0};
    pieces[0].iov_len = 0;
    so_send(far, "123456", 6, 0);
    so_await(s, POLLIN);
    message.msg_iovlen = 1;
    pieces[0] = (struct iovec){buffer, 2};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    say(so_recvmsg(s, &message, 0), "recvmsg");
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    say(head == NULL ? -1 : head->cmsg_type, "recvmsg, type of control");
    say(head == NULL ? -1 : *(int *)CMSG_DATA(head), "recvmsg, TCP_CM_INQ");
    say((long)message.msg_controllen, "recvmsg, length of control");
    struct msghdr named = {.msg_iov = pieces, .msg_iovlen = 1, .msg_name = &place, .msg_namelen = sizeof place};
    say(so_sendmsg(far, &named, 0), "sendmsg with an address");
    say(so_sendmsg(far, &named, MSG_FASTOPEN), "sendmsg MSG_FASTOPEN connected");
    say(so_send(s, buffer, 1, MSG_OOB) < 0 ? -1 : 0, "send MSG_OOB");
    so_close(far);
    so_close(s);
    so_close(waiting);
}

static void test_shutdown(void)
{
    struct pair both = connected();
    say(so_shutdown(both.near, -1), "shutdown -1");
    say(so_shutdown(both.near, 3), "shutdown 3");
    say(so_shutdown(NO_SOCKET, 1), "shutdown no socket");
    so_send(both.near, "last", 4, 0);
    say(so_shutdown(both.near, SHUT_WR), "shutdown write");
    say(so_shutdown(both.near, SHUT_WR), "shutdown write again");
    so_await(both.far, POLLRDHUP);
    say_poll(both.near, "write end shut");
    say_poll(both.far, "peer's write end shut, data");
    say(so_send(both.near, "x", 1, 0), "send after shutdown write");
    say(so_recv(both.near, buffer, 10, 0), "recv after shutdown write");
    say(so_recv(both.far, buffer, 10, 0), "recv at the other end");
    say_poll(both.far, "peer's write end shut");
    say(so_recv(both.far, buffer, 10, 0), "recv end of stream");
    say(so_recv(both.far, buffer, 10, 0), "recv end of stream again");
    say(so_send(both.far, "back", 4, 0), "send after the peer's end");
    so_await(both.near, POLLIN);
    say(so_recv(both.near, buffer, 10, 0), "recv half closed");
    say(so_shutdown(both.far, SHUT_WR), "shutdown write, second end");
    so_await(both.near, POLLHUP);
    say_poll(both.near, "both ends shut, first");
    so_await(both.far, POLLHUP);
    say_poll(both.far, "both ends shut, second");
    say(so_recv(both.near, buffer, 10, 0), "recv, both ends shut");
    say(so_send(both.near, "x", 1, 0), "send, both ends shut");
    say(option(both.near, SOL_SOCKET, SO_ERROR), "SO_ERROR, both ends shut");
    part(both);

    both = connected();
    say(so_shutdown(both.near, SHUT_RD), "shutdown read");
    say_poll(both.near, "read end shut");
    say(so_recv(both.near, buffer, 10, 0), "recv after shutdown read");
    say(so_send(both.near, "x", 1, 0), "send after shutdown read");
    so_await(both.far, POLLIN);
    say(so_send(both.far, "late", 4, 0), "send to a read end that is shut");
    so_await(both.far, POLLHUP);
    say(so_recv(both.near, buffer, 10, 0), "recv after shutdown read, data came");
    say(option(both.far, SOL_SOCKET, SO_ERROR), "SO_ERROR of who sent it");
    part(both);

    both = connected();
    say(so_shutdown(both.near, SHUT_RDWR), "shutdown both");
    say_poll(both.near, "both of ours shut");
    say(so_recv(both.near, buffer, 10, 0), "recv after shutdown both");
    say(so_send(both.near, "x", 1, 0), "send after shutdown both");
    part(both);
}

static void test_close(void)
{
    say(so_close(NO_SOCKET), "close no socket");
    struct pair both = connected();
    say(so_close(both.near), "close");
    say(so_close(both.near), "close twice");
    so_await(both.far, POLLRDHUP);
    say_poll(both.far, "peer closed");
    say(so_recv(both.far, buffer, 10, 0), "recv, peer closed");
    say(so_send(both.far, "x", 1, 0), "send, peer closed");
    so_await(both.far, POLLHUP);
    say_poll(both.far, "peer closed, sent to");
    say(so_send(both.far, "x", 1, 0), "send again, peer closed");
    say(so_recv(both.far, buffer, 10, 0), "recv again, peer closed");
    say_names(both.far, "peer closed, sent to");
    so_close(both.far);

    both = connected();
    so_send(both.far, "unread", 6, 0);
    so_await(both.near, POLLIN);
    say(so_close(both.near), "close with data unread");
    so_await(both.far, POLLHUP);
    say_poll(both.far, "peer closed with data unread");
    say(option(both.far, SOL_SOCKET, SO_ERROR), "peer closed with data unread, SO_ERROR");
    say(so_recv(both.far, buffer, 10, 0), "peer closed with data unread, recv");
    say(so_send(both.far, "x", 1, 0), "peer closed with data unread, send");
    say_names(both.far, "reset");
    say(so_shutdown(both.far, SHUT_WR), "reset, shutdown");
    say(connect_to(both.far, "10.0.0.1", 9), "reset, connect");
    so_close(both.far);

    both = connected();
    so_send(both.near, "left", 4, 0);
    so_await(both.far, POLLIN);
    so_send(both.far, "unread", 6, 0);
    so_await(both.near, POLLIN);
    so_close(both.near);
    so_await(both.far, POLLHUP);
    say(so_recv(both.far, buffer, 10, 0), "reset behind data, recv");
    say(so_recv(both.far, buffer, 10, 0), "reset behind data, recv again");
    say(so_recv(both.far, buffer, 10, 0), "reset behind data, recv a third time");
    so_close(both.far);

    both = connected();
    struct linger at_once = {1, 0};
    say(so_setsockopt(both.near, SOL_SOCKET, SO_LINGER, ADDRESS(at_once)), "SO_LINGER 0");
    say(so_close(both.near), "close with SO_LINGER 0");
    so_await(both.far, POLLRDHUP);
    say_poll(both.far, "peer closed with SO_LINGER 0");
    say(option(both.far, SOL_SOCKET, SO_ERROR), "peer closed with SO_LINGER 0, SO_ERROR");
    so_close(both.far);

    both = connected();
    struct sockaddr_in none = {.sin_family = AF_UNSPEC};
    say(so_connect(both.near, ADDRESS(none)), "connect AF_UNSPEC");
    so_await(both.far, POLLRDHUP);
    say_poll(both.far, "peer disconnected");
    say_names(both.near, "disconnected");
    say_poll(both.near, "disconnected");
    say(so_recv(both.near, buffer, 10, 0), "recv disconnected");
    int waiting = listener(1);
    say(connect_to(both.near, "10.0.0.2", next_port), "connect disconnected");
    say(so_await(both.near, POLLOUT) & POLLOUT ? 1 : 0, "connect disconnected, done");
    so_close(waiting);
    part(both);
}

static void test_unreachable(void)
{
    int s = so_socket(NEAR, AF_INET6, SOCK_STREAM, protocol);
    set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    struct sockaddr_in6 mapped = v6("::ffff:10.0.0.2", 9);
    say(so_connect(s, ADDRESS(mapped)), "v6 only, connect mapped");
    so_close(s);
}

struct named { int level, name; const char *text; };

static const struct named numbers[] = {
    {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"}, {SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"}, {SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"},
    {SOL_SOCKET, SO_MARK, "SO_MARK"}, {SOL_SOCKET, SO_PRIORITY, "SO_PRIORITY"}, {SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"},
    {SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"}, {SOL_SOCKET, SO_ERROR, "SO_ERROR"}, {SOL_SOCKET, SO_TYPE, "SO_TYPE"},
    {SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN"}, {SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL"}, {SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN"},
    {SOL_SOCKET, 9999, "SOL_SOCKET 9999"}, {SOL_TCP, TCP_NODELAY, "TCP_NODELAY"}, {SOL_TCP, TCP_CORK, "TCP_CORK"},
    {SOL_TCP, TCP_MAXSEG, "TCP_MAXSEG"}, {SOL_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE"}, {SOL_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL"},
    {SOL_TCP, TCP_KEEPCNT, "TCP_KEEPCNT"}, {SOL_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"}, {SOL_TCP, TCP_QUICKACK, "TCP_QUICKACK"},
    {SOL_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT"}, {SOL_TCP, TCP_FASTOPEN, "TCP_FASTOPEN"},
    {SOL_TCP, TCP_FASTOPEN_CONNECT, "TCP_FASTOPEN_CONNECT"}, {SOL_TCP, TCP_INQ, "TCP_INQ"}, {SOL_TCP, TCP_IS_MPTCP_, "TCP_IS_MPTCP"},
    {SOL_TCP, 9999, "SOL_TCP 9999"}, {IPPROTO_IP, IP_TOS, "IP_TOS"}, {IPPROTO_IP, 9999, "SOL_IP 9999"}, {4242, 1, "level 4242"},
    {SOL_MPTCP, 99, "SOL_MPTCP 99"},
};

#define NUMBERS (sizeof numbers / sizeof numbers[0])

/* Whether a value is bounded by the machine's own limits, which no namespace has. */
static int is_machines(const struct named *one, int value)
{
    return one->level == SOL_SOCKET && (one->name == SO_SNDBUF || one->name == SO_RCVBUF) && (value < 0 || value > 100000);
}

static void say_options(int s, const char *state)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        long value = option(s, numbers[i].level, numbers[i].name);
        if (numbers[i].level == SOL_SOCKET && numbers[i].name == SO_SNDBUF)
            continue; /* net.ipv4.tcp_wmem and mptcp's own idea */
        if (numbers[i].level == SOL_TCP && numbers[i].name == TCP_NOTSENT_LOWAT)
            printf("%s %s, get %s: %x\n", protocol == IPPROTO_MPTCP ? "mptcp" : "tcp", state, numbers[i].text, (unsigned)value);
        else
            say(value, "%s, get %s", state, numbers[i].text);
    }
}

static void test_options(void)
{
    static const int values[] = {-1, 0, 1, 5, 100, 3000, 33000, 100000};
    int s = open_at(NEAR);
    say_options(s, "new");
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct named *one = &numbers[i];
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            if (is_machines(one, values[v]))
                continue;
            so_close(s);
            s = open_at(NEAR);
            int failure = set(s, one->level, one->name, values[v]);
            say(failure, "set %s to %d", one->text, values[v]);
            long now = option(s, one->level, one->name);
            if (failure == 0 && now < 0)
                printf("%s set %s to %d, get: %ld\n", protocol == IPPROTO_MPTCP ? "mptcp" : "tcp", one->text, values[v], now);
            else if (failure == 0)
                say(now, "set %s to %d, get", one->text, values[v]);
        }

        char byte = 1;
        say(so_setsockopt(s, one->level, one->name, &byte, 1), "set %s, length 1", one->text);
        say(so_setsockopt(s, one->level, one->name, &byte, 0), "set %s, length 0", one->text);
        say(so_setsockopt(s, one->level, one->name, NULL, 4), "set %s, null", one->text);
        say(so_setsockopt(s, one->level, one->name, &byte, (socklen_t)-1), "set %s, length -1", one->text);
        socklen_t length = 1;
        int value = 0;
        say(so_getsockopt(s, one->level, one->name, &value, &length), "get %s, length 1", one->text);
        say(length, "get %s, length 1, length", one->text);
        length = (socklen_t)-1;
        say(so_getsockopt(s, one->level, one->name, &value, &length), "get %s, length -1", one->text);
        length = 8;
        int wide[2] = {0};
        say(so_getsockopt(s, one->level, one->name, wide, &length), "get %s, length 8", one->text);
        say(length, "get %s, length 8, length", one->text);
        say(so_getsockopt(s, one->level, one->name, &value, NULL), "get %s, length null", one->text);
    }

    say(set(NO_SOCKET, SOL_SOCKET, SO_REUSEADDR, 1), "set no socket");
    say(option(NO_SOCKET, SOL_SOCKET, SO_REUSEADDR), "get no socket");
    so_close(s);
}

static void test_other_options(void)
{
    int s = open_at(NEAR);
    char name[32] = {0};
    socklen_t length = sizeof name;
    say(so_setsockopt(s, SOL_TCP, TCP_CONGESTION, "cubic", 5), "set TCP_CONGESTION cubic");
    say(so_getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &length), "get TCP_CONGESTION");
    say(length, "get TCP_CONGESTION, length");
    say(strcmp(name, "cubic") == 0, "get TCP_CONGESTION, cubic");
    length = 3;
    say(so_getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &length), "get TCP_CONGESTION, length 3");
    say(length, "get TCP_CONGESTION, length 3, length");
    say(so_setsockopt(s, SOL_TCP, TCP_CONGESTION, "reno", 4), "set TCP_CONGESTION reno");
    memset(name, 0, sizeof name);
    length = sizeof name;
    so_getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &length);
    say(strcmp(name, "reno") == 0, "set TCP_CONGESTION, now reno");
    say(so_setsockopt(s, SOL_TCP, TCP_CONGESTION, "nonsense", 8), "set TCP_CONGESTION nonsense");
    say(so_setsockopt(s, SOL_TCP, TCP_CONGESTION, "reno", 0), "set TCP_CONGESTION, length 0");
    struct linger linger = {1, 5};
    say(so_setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, 4), "set SO_LINGER, length 4");
    say(so_setsockopt(s, SOL_SOCKET, SO_LINGER, ADDRESS(linger)), "set SO_LINGER");
    length = sizeof linger;
    say(so_getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &length), "get SO_LINGER");
    say(length, "get SO_LINGER, length");
    say(linger.l_onoff, "get SO_LINGER, on");
    say(linger.l_linger, "get SO_LINGER, seconds");
    length = 4;
    say(so_getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &length), "get SO_LINGER, length 4");
    say(length, "get SO_LINGER, length 4, length");
    char tos = 0x13;
    say(so_setsockopt(s, IPPROTO_IP, IP_TOS, &tos, 1), "set IP_TOS, one byte");
    say(option(s, IPPROTO_IP, IP_TOS), "set IP_TOS, one byte, get");
    length = sizeof buffer;
    say(so_getsockopt(s, SOL_TCP, TCP_INFO, buffer, &length), "get TCP_INFO new");
    say(buffer[0], "get TCP_INFO new, state");
    length = 10;
    say(so_getsockopt(s, SOL_TCP, TCP_INFO, buffer, &length), "get TCP_INFO, length 10");
    say(length, "get TCP_INFO, length 10, length");
    say(set(s, SOL_TCP, TCP_INFO, 1), "set TCP_INFO");
    so_close(s);

    struct pair both = connected();
    say(set(both.near, SOL_SOCKET, SO_KEEPALIVE, 1), "connected, set SO_KEEPALIVE");
    say(set(both.near, SOL_TCP, TCP_NODELAY, 1), "connected, set TCP_NODELAY");
    say(set(both.near, SOL_TCP, TCP_FASTOPEN, 1), "connected, set TCP_FASTOPEN");
    say(set(both.near, SOL_TCP, TCP_FASTOPEN_CONNECT, 1), "connected, set TCP_FASTOPEN_CONNECT");
    say(set(both.near, SOL_TCP, TCP_MAXSEG, 1000), "connected, set TCP_MAXSEG");
    say(so_setsockopt(both.near, SOL_TCP, TCP_CONGESTION, "reno", 4), "connected, set TCP_CONGESTION");
    say(option(both.near, SOL_SOCKET, SO_KEEPALIVE), "connected, get SO_KEEPALIVE");
    say(option(both.near, SOL_TCP, TCP_IS_MPTCP_), "connected, get TCP_IS_MPTCP");
    say(option(both.far, SOL_TCP, TCP_IS_MPTCP_), "accepted, get TCP_IS_MPTCP");
    length = sizeof buffer;
    say(so_getsockopt(both.near, SOL_TCP, TCP_INFO, buffer, &length), "get TCP_INFO");
    say(length, "get TCP_INFO, length");
    say(buffer[0], "get TCP_INFO, state");
    say(buffer[5] & 7, "get TCP_INFO, options");
    part(both);

    int waiting = open_at(FAR);
    struct sockaddr_in place = v4("10.0.0.2", ++next_port);
    set(waiting, SOL_SOCKET, SO_REUSEADDR, 1);
    set(waiting, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(waiting, SOL_TCP, TCP_NODELAY, 1);
    set(waiting, SOL_TCP, TCP_KEEPIDLE, 77);
    set(waiting, SOL_TCP, TCP_USER_TIMEOUT, 5000);
    set(waiting, IPPROTO_IP, IP_TOS, 0x10);
    so_setsockopt(waiting, SOL_SOCKET, SO_LINGER, ADDRESS(linger));
    so_bind(waiting, ADDRESS(place));
    so_listen(waiting, 3);
    int near = open_at(NEAR);
    connect_to(near, "10.0.0.2", next_port);
    so_await(near, POLLOUT);
    so_await(waiting, POLLIN);
    int far = so_accept(waiting, NULL, NULL, 0);
    say(option(far, SOL_SOCKET, SO_REUSEADDR), "accepted, SO_REUSEADDR");
    say(option(far, SOL_SOCKET, SO_KEEPALIVE), "accepted, SO_KEEPALIVE");
    say(option(far, SOL_TCP, TCP_NODELAY), "accepted, TCP_NODELAY");
    say(option(far, SOL_TCP, TCP_KEEPIDLE), "accepted, TCP_KEEPIDLE");
    say(option(far, SOL_TCP, TCP_USER_TIMEOUT), "accepted, TCP_USER_TIMEOUT");
    say(option(far, IPPROTO_IP, IP_TOS), "accepted, IP_TOS");
    length = sizeof linger;
    so_getsockopt(far, SOL_SOCKET, SO_LINGER, &linger, &length);
    say(linger.l_onoff, "accepted, SO_LINGER");
    so_close(near);
    so_close(far);
    so_close(waiting);
}

/* SOL_MPTCP of one socket, in the state that `state` names. */
static void say_mptcp(int s, const char *state)
{
    socklen_t length = 96;
    memset(buffer, 0, 512);
    say(so_getsockopt(s, SOL_MPTCP, 1, buffer, &length), "%s, MPTCP_INFO", state);
    say(length, "%s, MPTCP_INFO, length", state);
    say(buffer[0], "%s, MPTCP_INFO, subflows", state);
    say(buffer[8], "%s, MPTCP_INFO, flags", state);
    length = 10;
    say(so_getsockopt(s, SOL_MPTCP, 1, buffer, &length), "%s, MPTCP_INFO, length 10", state);
    say(length, "%s, MPTCP_INFO, length 10, length", state);
    for (int name = 2; name <= 3; name++) {
        uint32_t head[4] = {0, 0, 0, 0};
        length = sizeof head;
        say(so_getsockopt(s, SOL_MPTCP, name, head, &length), "%s, SOL_MPTCP %d, zeros", state, name);
        length = 8;
        say(so_getsockopt(s, SOL_MPTCP, name, head, &length), "%s, SOL_MPTCP %d, length 8", state, name);
        uint32_t *whole = (uint32_t *)buffer;
        memset(buffer, 0, 4096);
        whole[0] = 16;
        whole[3] = 100;
        length = 2048;
        say(so_getsockopt(s, SOL_MPTCP, name, whole, &length), "%s, SOL_MPTCP %d", state, name);
        say(length, "%s, SOL_MPTCP %d, length", state, name);
        say(whole[1], "%s, SOL_MPTCP %d, subflows", state, name);
        say(whole[2], "%s, SOL_MPTCP %d, size of the kernel's", state, name);
        say(whole[3], "%s, SOL_MPTCP %d, size of the caller's", state, name);
        whole[0] = 16;
        whole[1] = 1;
        whole[2] = 0;
        length = 2048;
        say(so_getsockopt(s, SOL_MPTCP, name, whole, &length), "%s, SOL_MPTCP %d, a number given", state, name);
        whole[0] = 4000;
        whole[1] = 0;
        say(so_getsockopt(s, SOL_MPTCP, name, whole, &length), "%s, SOL_MPTCP %d, head too long", state, name);
    }

    uint64_t full[64] = {0};
    length = 136;
    say(so_getsockopt(s, SOL_MPTCP, 4, full, &length), "%s, MPTCP_FULL_INFO", state);
    say(length, "%s, MPTCP_FULL_INFO, length", state);
    say(((uint32_t *)full)[0], "%s, MPTCP_FULL_INFO, size of tcp_info", state);
    say(((uint32_t *)full)[2], "%s, MPTCP_FULL_INFO, size of a subflow", state);
    say(((uint32_t *)full)[4], "%s, MPTCP_FULL_INFO, subflows", state);
    length = 39;
    memset(full, 0, sizeof full);
    say(so_getsockopt(s, SOL_MPTCP, 4, full, &length), "%s, MPTCP_FULL_INFO, length 39", state);
    say(set(s, SOL_MPTCP, 1, 1), "%s, set MPTCP_INFO", state);
}

static void test_mptcp_options(void)
{
    int s = open_at(NEAR);
    say_mptcp(s, "new");
    so_close(s);
    struct pair both = connected();
    say_mptcp(both.near, "connected");
    part(both);

    /* A listener of plain TCP makes it fall back. */
    int kind = protocol;
    protocol = IPPROTO_TCP;
    int waiting = listener(2);
    protocol = kind;
    s = open_at(NEAR);
    connect_to(s, "10.0.0.2", next_port);
    so_await(s, POLLOUT);
    say(option(s, SOL_TCP, TCP_IS_MPTCP_), "fallen back, TCP_IS_MPTCP");
    say(option(s, SOL_SOCKET, SO_PROTOCOL), "fallen back, SO_PROTOCOL");
    say_mptcp(s, "fallen back");
    so_close(s);
    so_close(waiting);

    protocol = IPPROTO_MPTCP;
    waiting = listener(2);
    protocol = IPPROTO_TCP;
    s = open_at(NEAR);
    protocol = kind;
    connect_to(s, "10.0.0.2", next_port);
    so_await(s, POLLOUT);
    so_await(waiting, POLLIN);
    int far = so_accept(waiting, NULL, NULL, 0);
    say(option(far, SOL_TCP, TCP_IS_MPTCP_), "accepted from plain TCP, TCP_IS_MPTCP");
    say(option(far, SOL_SOCKET, SO_PROTOCOL), "accepted from plain TCP, SO_PROTOCOL");
    so_close(far);
    so_close(s);
    so_close(waiting);
}

int main(void)
{
    static const int kinds[] = {IPPROTO_TCP, IPPROTO_MPTCP};
    hosts_begin();
    for (int i = 0; i < 2; i++) {
        protocol = kinds[i];
        test_socket();
        test_bind();
        test_bind_v6();
        test_v6();
        test_listen();
        test_accept();
        test_connect();
        test_refused();
        test_connected();
        test_shutdown();
        test_close();
        test_unreachable();
        test_options();
        test_other_options();
        test_mptcp_options();
        next_port += 1000;
    }

    hosts_end();
    return 0;
}
