/* A disk with faults, put before a server by LD_PRELOAD.
 *
 * It stands before the calls by which files below TIDEGATE_FAULTS_BELOW are opened, read, written and
 * synced; all others pass. TIDEGATE_FAULTS is a folder that a test keeps: its file `orders` is read at
 * every call, so that a fault comes and goes under a running server, and what was done to a call is
 * added to `fired`, and when a slow one goes on. An order is a line of four words:
 *
 *     call (open, read, write, sync)   part of a path   what   value
 *
 * `fail` fails with the value as errno, `hold` keeps the call until the order is gone, `slow` keeps it
 * for so many milliseconds, `short` writes half of what is asked for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HOLDS_MAX = 60000 }; /* Milliseconds: nobody is kept for ever. */

static int own_open(const char *name, int flags)
{
    char path[PATH_MAX];
    const char *folder = getenv("TIDEGATE_FAULTS");
    if (!folder)
        return -1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644);
}

struct order {
    char call[8], part[256], what[8];
    int value;
};

/* Whether there is an order about a call on a path. */
static int ordered(const char *call, const char *path, struct order *order)
{
    char text[4096];
    int file = own_open("orders", O_RDONLY);
    if (file < 0)
        return 0;
    long length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[length > 0 ? length : 0] = 0;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (sscanf(line, "%7s %255s %7s %d", order->call, order->part, order->what, &order->value) == 4
            && !strcmp(order->call, call) && strstr(path, order->part))
            return 1;
    }
    return 0;
}

static void tell(const char *call, const char *path, const char *what)
{
    char line[PATH_MAX + 32];
    int length = snprintf(line, sizeof line, "%s %s %s\n", call, path, what);
    int file = own_open("fired", O_WRONLY | O_CREAT | O_APPEND);
    syscall(SYS_write, file, line, (size_t)length);
    syscall(SYS_close, file);
}

/* What is to be done to a call: 0 nothing, -1 it fails with errno, 1 it is cut short. */
static int fault(const char *call, const char *path)
{
    struct order order;
    int before = errno;
    const char *below = getenv("TIDEGATE_FAULTS_BELOW");
    if (!below || strncmp(path, below, strlen(below)) || !ordered(call, path, &order))
        return errno = before, 0;
    tell(call, path, order.what);
    struct timespec pause = {0, 1000000};
    int looks = !strcmp(order.what, "hold") ? HOLDS_MAX : !strcmp(order.what, "slow") ? order.value : 0;
    while (looks-- > 0) {
        nanosleep(&pause, NULL);
        if (!ordered(call, path, &order))
            return errno = before, 0;
    }
    if (!strcmp(order.what, "slow"))
        tell(call, path, "over");
    errno = strcmp(order.what, "fail") ? before : order.value;
    return !strcmp(order.what, "fail") ? -1 : !strcmp(order.what, "short");
}

static int fault_of(const char *call, int file)
{
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return fault(call, path);
}

static int opened(int folder, const char *path, int flags, mode_t mode)
{
    if (fault("open", path))
        return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE(mode, flags)                                                                              \
    mode_t mode = 0;                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                             \
        va_list rest;                                                                                  \
        va_start(rest, flags);                                                                         \
        mode = va_arg(rest, mode_t);                                                                   \
        va_end(rest);                                                                                  \
    }

int open(const char *path, int flags, ...)
{
    MODE(mode, flags)
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(mode, flags)
    return opened(AT_FDCWD, path, flags, mode);
}

ssize_t read(int file, void *into, size_t size)
{
    return fault_of("read", file) ? -1 : syscall(SYS_read, file, into, size);
}

ssize_t pread64(int file, void *into, size_t size, off_t at)
{
    return fault_of("read", file) ? -1 : syscall(SYS_pread64, file, into, size, at);
}

/* How much of a write is done, or -1. */
static ssize_t share(int file, size_t size)
{
    int found = fault_of("write", file);
    return found < 0 ? -1 : (ssize_t)(found && size > 1 ? size / 2 : size);
}

ssize_t write(int file, const void *from, size_t size)
{
    ssize_t some = share(file, size);
    return some < 0 ? -1 : syscall(SYS_write, file, from, (size_t)some);
}

ssize_t pwrite64(int file, const void *from, size_t size, off_t at)
{
    ssize_t some = share(file, size);
    return some < 0 ? -1 : syscall(SYS_pwrite64, file, from, (size_t)some, at);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    ssize_t first = count > 0 ? (ssize_t)parts[0].iov_len : 0;
    ssize_t some = share(file, (size_t)first);
    if (some < 0)
        return -1;
    return some < first ? syscall(SYS_write, file, parts[0].iov_base, (size_t)some)
                        : syscall(SYS_writev, file, parts, count);
}

int fsync(int file)
{
    return fault_of("sync", file) ? -1 : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    return fault_of("sync", file) ? -1 : (int)syscall(SYS_fdatasync, file);
}
