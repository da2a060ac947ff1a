/* Messages from the executor, as `launcher.c` describes them. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_FDS = 16 };

static int control; /* the socket */

struct message {
    char *text, *next, *end;
    char **lists, **free_place; /* the words of all lists, each list with a null pointer after it */
    int fds[MOST_FDS], fd_count;
};

static int read_all(void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = recv(control, (char *)to + done, size - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

/* Waits for the next message; 0 when the executor is gone. */
static int receive(struct message *message) {
    uint32_t length;
    char ancillary[CMSG_SPACE(sizeof(int) * MOST_FDS)] __attribute__((aligned(8)));
    struct iovec first = {&length, 1};
    struct msghdr header = {
        .msg_iov = &first, .msg_iovlen = 1, .msg_control = ancillary, .msg_controllen = sizeof ancillary};
    ssize_t got;
    do got = recvmsg(control, &header, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != 1 || !read_all((char *)&length + 1, sizeof length - 1)) return 0;
    memset(message, 0, sizeof *message);
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&header); one; one = CMSG_NXTHDR(&header, one))
        if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_RIGHTS) {
            message->fd_count = (int)((one->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(message->fds, CMSG_DATA(one), sizeof(int) * (size_t)message->fd_count);
        }
    size_t size = ntohl(length), words = 0;
    message->next = message->text = malloc(size + 1);
    if (!message->text || !read_all(message->text, size)) return 0;
    message->text[size] = 0;
    message->end = message->text + size;
    for (char *at = message->text; at < message->end; at++) words += *at == 0;
    message->free_place = message->lists = calloc(2 * words + 1, sizeof *message->lists);
    return message->lists != NULL;
}

static void discard(struct message *message) {
    for (int i = 0; i < message->fd_count; i++) close(message->fds[i]);
    free(message->text);
    free(message->lists);
}

static char *word(struct message *message) {
    char *found = message->next;
    if (found < message->end) message->next += strlen(found) + 1;
    return found; /* past the end it is empty */
}

static char **list(struct message *message) {
    char **found = message->free_place;
    for (long count = atol(word(message)); count > 0 && message->next < message->end; count--)
        *message->free_place++ = word(message);
    message->free_place++;
    return found;
}

/* Sends a line; 0 when the executor is gone. */
static int answer(const char *line) {
    for (size_t size = strlen(line), done = 0; done < size;) {
        ssize_t put = send(control, line + done, size - done, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return 0;
        done += (size_t)put;
    }
    return 1;
}
