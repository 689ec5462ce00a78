/* Opens, uses and closes streams and voices from several threads at once, for as long as it is told:
 * what a process full of calls does, in a second, under a sanitizer. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "media_thread.h"

enum { CALLERS = 4, FRAME = 320 };

static media_thread *media;
static double ends_at;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int bound(struct sockaddr_in *name)
{
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof *name;
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (udp < 0 || bind(udp, (struct sockaddr *)name, sizeof *name) < 0 ||
        getsockname(udp, (struct sockaddr *)name, &length) < 0)
        abort();
    return udp;
}

static void talk(media_stream *stream, int far, struct sockaddr_in near, unsigned *chance)
{
    unsigned char noise[FRAME * 40] = {1}, *journal = malloc(media_journal_bytes(stream));
    media_voice *voices[8] = {0};
    for (int step = 0; step < 200; step++) {
        int which = rand_r(chance) % 8;
        if (!voices[which] && !(voices[which] = media_say(media, stream)))
            abort();
        media_voice *voice = voices[which];
        switch (rand_r(chance) % 8) {
        case 0: media_supplied(voice); break;
        case 1: media_hush(voice); break;
        case 2: media_forget(voice), voices[which] = NULL; break;
        case 3: media_take(stream, journal); break;
        case 4: media_wake(stream, rand_r(chance) % 9, rand_r(chance) % 50, now() + 0.001); break;
        case 5: media_said(voice), media_counted(stream), media_unread(stream); break;
        case 6:
            sendto(far, noise, rand_r(chance) % sizeof noise, MSG_DONTWAIT,
                   (struct sockaddr *)&near, sizeof near);
            break;
        default:
            media_supply(voice, noise, (size_t)FRAME * (1 + rand_r(chance) % 40));
        }
    }
    media_close(stream);
    for (int which = 0; which < 8; which++)
        if (voices[which]) {
            media_supply(voices[which], noise, FRAME);
            media_forget(voices[which]);
        }
    free(journal);
}

static void *caller(void *number)
{
    unsigned chance = (unsigned)(uintptr_t)number;
    while (now() < ends_at) {
        struct sockaddr_in near, far;
        int ours = bound(&near), theirs = bound(&far);
        media_stream *stream = media_open(media, ours, INADDR_LOOPBACK, ntohs(far.sin_port), FRAME,
                                          1000, now() - (double)(rand_r(&chance) % 3));
        if (!stream)
            abort();
        talk(stream, theirs, near, &chance);
        close(ours);
        close(theirs);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t callers[CALLERS];
    if (count != 2 || !(media = media_start()))
        return 2;
    ends_at = now() + atof(arguments[1]);
    for (uintptr_t number = 0; number < CALLERS; number++)
        pthread_create(&callers[number], NULL, caller, (void *)number);
    while (now() < ends_at)
        while (media_woken(media))
            ;
    for (int number = 0; number < CALLERS; number++)
        pthread_join(callers[number], NULL);
    puts("done");
    return 0;
}
