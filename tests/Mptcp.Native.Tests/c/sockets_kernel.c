/* The kernel's sockets, in a network namespace that ends with the process. */
#include "sockets.h"
#include <sched.h>

static int result(long given)
{
    return given < 0 ? -errno : (int)given;
}

static void run(const char *command)
{
    if (system(command) != 0) {
        fprintf(stderr, "cannot run '%s'\n", command);
        exit(77);
    }
}

void hosts_begin(void)
{
    if (unshare(CLONE_NEWNET) != 0) {
        perror("a network namespace needs root");
        exit(77);
    }

    run("ip link set lo up");
    run("ip addr add 10.0.0.1/24 dev lo && ip addr add 10.0.0.2/24 dev lo");
    run("ip addr add fd00::1/64 dev lo nodad && ip addr add fd00::2/64 dev lo nodad");
    run("sysctl -qw net.mptcp.enabled=1 net.ipv4.tcp_fastopen=3"
        " net.ipv4.tcp_keepalive_time=7200 net.ipv4.tcp_keepalive_intvl=75 net.ipv4.tcp_keepalive_probes=9"
        " net.ipv4.tcp_notsent_lowat=4294967295");
}

void hosts_end(void)
{
}

int so_socket(enum host at, int domain, int type, int protocol)
{
    (void)at;
    return result(socket(domain, type | (type >= 0 && type < 16 ? SOCK_NONBLOCK : 0), protocol));
}

int so_bind(int s, const void *address, socklen_t length) { return result(bind(s, address, length)); }
int so_listen(int s, int backlog) { return result(listen(s, backlog)); }

int so_accept(int s, void *address, socklen_t *length, int flags)
{
    return result(accept4(s, address, length, flags | SOCK_NONBLOCK));
}

int so_connect(int s, const void *address, socklen_t length) { return result(connect(s, address, length)); }
ssize_t so_recv(int s, void *buffer, size_t length, int flags) { return result(recv(s, buffer, length, flags)); }

ssize_t so_send(int s, const void *buffer, size_t length, int flags)
{
    return result(send(s, buffer, length, flags | MSG_NOSIGNAL));
}

ssize_t so_readv(int s, const struct iovec *pieces, int count) { return result(readv(s, pieces, count)); }

ssize_t so_writev(int s, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    return count < 0 || count > 1024 ? result(writev(s, pieces, count)) : result(sendmsg(s, &message, MSG_NOSIGNAL));
}

ssize_t so_recvmsg(int s, struct msghdr *message, int flags) { return result(recvmsg(s, message, flags)); }
ssize_t so_sendmsg(int s, const struct msghdr *message, int flags) { return result(sendmsg(s, message, flags | MSG_NOSIGNAL)); }
int so_shutdown(int s, int how) { return result(shutdown(s, how)); }
int so_close(int s) { return result(close(s)); }
int so_getsockname(int s, void *address, socklen_t *length) { return result(getsockname(s, address, length)); }
int so_getpeername(int s, void *address, socklen_t *length) { return result(getpeername(s, address, length)); }

int so_getsockopt(int s, int level, int name, void *value, socklen_t *length)
{
    return result(getsockopt(s, level, name, value, length));
}

int so_setsockopt(int s, int level, int name, const void *value, socklen_t length)
{
    return result(setsockopt(s, level, name, value, length));
}

int so_ioctl(int s, unsigned long request, void *argument) { return result(ioctl(s, request, argument)); }

static const short all_events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP;

int so_poll(int s)
{
    struct pollfd one = {.fd = s, .events = all_events};
    int count = poll(&one, 1, 0);
    return count < 0 ? -errno : one.revents;
}

int so_await(int s, int events)
{
    struct pollfd one = {.fd = s, .events = (short)events};
    poll(&one, 1, 2000);
    return so_poll(s);
}
