/* The one thread that moves audio: it takes the callers' frames as they come and sends ours when
 * they are due, for all calls of the process, whatever Python is doing meanwhile.
 *
 * It decides nothing. It keeps a journal of what came and what left, wakes Python when Python asked
 * to be woken, and speaks what Python has queued. A call costs Python a few wake-ups a second
 * instead of fifty, and no stall of the interpreter can be heard.
 *
 * One mutex guards everything; it is held for one stream's datagram, or one look at all streams.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "media_thread.h"

#define FRAME_S 0.020
/* Past this the playout does not catch up with a burst but leaves slots out. */
#define LATE_LIMIT_S 0.1
/* How long after the caller's frames ours are due; they come with about as much jitter. */
#define ALIGNED_AFTER_S 0.0015
/* A frame may leave this early, and this early when the thread is awake for a received one, which
 * saves a wake-up. On FreeSWITCH's side that is within the jitter of its own frames. */
#define SLACK_S 0.0005
#define AWAKE_SLACK_S 0.003
#define LATE_S 0.005
/* A look at all streams that comes so late was held up. */
#define HELD_UP_S 0.010
#define MOST_WAITING 256
/* More than 80 ms at 48 kHz; anything larger is not telephone audio. */
#define LARGEST_DATAGRAM 8192
/* Python may stand still for 5 s before the journal loses anything. What is never written to takes
 * no memory. */
#define JOURNAL_FRAMES 250
#define READY 1024

#ifndef MEDIA_SOURCES
#define MEDIA_SOURCES "unknown"
#endif

typedef struct chunk {
    struct chunk *next;
    size_t bytes, said;
    unsigned char pcm[];
} chunk;

struct media_voice {
    media_thread *thread;
    media_stream *stream; /* NULL once it is done */
    media_voice *next;
    chunk *first, *last;
    int supplied;
    media_progress progress;
};

typedef struct {
    double at;
    uint32_t kind, size;
} entry;

struct media_stream {
    media_thread *thread;
    uint64_t id;
    int socket;
    struct sockaddr_in peer;
    size_t frame_bytes;
    playout_schedule schedule;
    media_voice *voices;
    double next_at;      /* when to look at it again */
    double speech_until; /* when the last frame of speech has been heard */
    int heard, speaking;
    unsigned char *journal, *silence;
    size_t journal_bytes, journal_used;
    int journal_full;
    uint32_t unlogged_slots; /* of ours, which a full journal did not take */
    size_t unread, unread_quiet; /* bytes since the journal was taken; those before the first loud */
    double quiet;
    size_t wake_bytes, wake_most;
    double wake_at;
    int woken;
    media_counts counts;
};

struct media_thread {
    pthread_mutex_t lock;
    int epoll, kick, alarm;
    media_stream **streams; /* by slot, the low half of an id; NULL where free */
    size_t slots;
    uint64_t opened;
    int tell;
    unsigned char datagram[LARGEST_DATAGRAM + 1];
};

const char *media_sources(void) { return MEDIA_SOURCES; }

static double clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void ring(int event)
{
    uint64_t one = 1;
    /* It can only fail when it is full, and then it is ringing already. */
    ssize_t ignored = write(event, &one, sizeof one);
    (void)ignored;
}

static void silence_bell(int event)
{
    uint64_t count;
    ssize_t ignored = read(event, &count, sizeof count);
    (void)ignored;
}

/* the schedule */

double playout_due(const playout_schedule *schedule, int speech)
{
    double on_grid = schedule->started_at + (double)schedule->slot * FRAME_S;
    return speech ? on_grid - FRAME_S : on_grid;
}

/* Moves the grid, once, to just after the moments when the caller's frames come: then a thread that
 * wakes for a frame can send one too, which halves its wake-ups. */
void playout_align(playout_schedule *schedule, double now)
{
    double shift = fmod(now + ALIGNED_AFTER_S - playout_due(schedule, 0), FRAME_S);
    schedule->started_at += shift < 0 ? shift + FRAME_S : shift;
}

int64_t playout_sent(playout_schedule *schedule, double now)
{
    double behind = now - playout_due(schedule, 0);
    int64_t skipped = behind > LATE_LIMIT_S ? (int64_t)(behind / FRAME_S) : 0;
    schedule->slot += skipped + 1;
    return skipped;
}

/* the journal */

static void note(media_stream *stream, double at, uint32_t kind, uint32_t size, const void *bytes)
{
    size_t following = bytes ? size : 0;
    if (stream->journal_bytes - stream->journal_used < sizeof(entry) + following)
        stream->journal_full = 1;
    if (stream->journal_full) {
        stream->counts.unlogged++;
        if (kind != MEDIA_HEARD)
            stream->unlogged_slots += kind == MEDIA_SKIPPED ? size : 1;
        return;
    }
    entry head = {at, kind, size};
    unsigned char *end = stream->journal + stream->journal_used;
    memcpy(end, &head, sizeof head);
    if (following)
        memcpy(end + sizeof head, bytes, following);
    stream->journal_used += sizeof head + following;
}

static void wake(media_stream *stream)
{
    stream->wake_bytes = stream->wake_most = SIZE_MAX;
    stream->wake_at = INFINITY;
    if (!stream->woken)
        stream->woken = stream->thread->tell = 1;
}

static void wake_if_enough(media_stream *stream)
{
    if (stream->unread >= stream->wake_most ||
        stream->unread - stream->unread_quiet >= stream->wake_bytes)
        wake(stream);
}

/* Called where the lock was held: those who are told need it at once. */
static void unlock_and_tell(media_thread *thread)
{
    int tell = thread->tell;
    thread->tell = 0;
    pthread_mutex_unlock(&thread->lock);
    if (tell)
        ring(thread->alarm);
}

/* playout */

static void drop_chunks(media_voice *voice)
{
    while (voice->first) {
        chunk *next = voice->first->next;
        free(voice->first);
        voice->first = next;
    }
    voice->last = NULL;
    voice->progress.waiting = 0;
}

static void end_voice(media_voice *voice)
{
    media_voice **link = &voice->stream->voices;
    while (*link != voice)
        link = &(*link)->next;
    *link = voice->next;
    drop_chunks(voice);
    voice->progress.done = 1;
    wake(voice->stream);
    voice->stream = NULL;
}

/* The voice that has a frame to give. The last one ends when its last frame has had its 20 ms, so
 * that whoever waits for it before bridging the call cuts nothing off. */
static media_voice *current(media_stream *stream, double now)
{
    media_voice *voice;
    while ((voice = stream->voices) != NULL) {
        if (voice->first)
            return voice;
        if (!voice->supplied || (!voice->next && now < stream->speech_until))
            return NULL;
        end_voice(voice);
    }
    return NULL;
}

static void send_frame(media_stream *stream, const unsigned char *frame, double now, uint32_t kind)
{
    if (sendto(stream->socket, frame, stream->frame_bytes, MSG_DONTWAIT,
               (struct sockaddr *)&stream->peer, sizeof stream->peer) < 0)
        stream->counts.unsent++; /* the next frame is due in 20 ms */
    int64_t skipped = playout_sent(&stream->schedule, now);
    if (skipped)
        note(stream, now, MEDIA_SKIPPED, (uint32_t)skipped, NULL);
    if (kind == MEDIA_SPOKEN)
        note(stream, now, kind, (uint32_t)stream->frame_bytes, frame);
    else
        note(stream, now, kind, 0, NULL);
    stream->counts.sent++;
    stream->speaking = kind == MEDIA_SPOKEN;
}

static void speak(media_stream *stream, media_voice *voice, double now)
{
    chunk *head = voice->first;
    send_frame(stream, head->pcm + head->said, now, MEDIA_SPOKEN);
    if (voice->progress.played++ == 0)
        voice->progress.first_at = now;
    voice->progress.waiting--;
    stream->speech_until = now + FRAME_S - AWAKE_SLACK_S;
    head->said += stream->frame_bytes;
    if (head->said == head->bytes) {
        voice->first = head->next;
        if (!voice->first)
            voice->last = NULL;
        free(head);
    }
}

/* Send what is due within `slack`, and note when to look again. */
static void play(media_stream *stream, double now, double slack)
{
    for (;;) {
        media_voice *voice = current(stream, now);
        double due = playout_due(&stream->schedule, voice != NULL);
        if (due > now + slack) {
            double speech_due = playout_due(&stream->schedule, 1);
            /* A voice that waits for more may have it by then, or be done. */
            stream->next_at = stream->voices && now + slack < speech_due ? speech_due : due;
            return;
        }
        int begins = voice && !stream->speaking;
        if (now - due > LATE_S && !begins)
            stream->counts.late++;
        if (voice)
            speak(stream, voice, now);
        else
            send_frame(stream, stream->silence, now, MEDIA_SILENCE);
    }
}

/* intake */

static int is_quiet(const media_stream *stream, const unsigned char *datagram, size_t bytes)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        int16_t sample;
        memcpy(&sample, datagram + i, sizeof sample);
        sum += (double)sample * sample;
    }
    return sum < stream->quiet;
}

/* Take one datagram. 0 when there is none, and when there may be one but it was not read. */
static int receive(media_stream *stream)
{
    unsigned char *datagram = stream->thread->datagram;
    struct sockaddr_in sender;
    socklen_t length = sizeof sender;
    ssize_t bytes = recvfrom(stream->socket, datagram, LARGEST_DATAGRAM + 1, MSG_DONTWAIT,
                             (struct sockaddr *)&sender, &length);
    if (bytes < 0)
        return errno != EAGAIN && errno != EBADF; /* else an ICMP error of an earlier send */
    if (sender.sin_addr.s_addr != stream->peer.sin_addr.s_addr ||
        sender.sin_port != stream->peer.sin_port) {
        stream->counts.strangers++;
        return 1;
    }
    if (bytes > LARGEST_DATAGRAM) {
        stream->counts.oversized++;
        return 1;
    }
    if (bytes == 0)
        return 1;
    double now = clock_now();
    if (!stream->heard) {
        stream->heard = 1;
        playout_align(&stream->schedule, now);
    }
    note(stream, now, MEDIA_HEARD, (uint32_t)bytes, datagram);
    if (stream->unread == stream->unread_quiet && is_quiet(stream, datagram, (size_t)bytes))
        stream->unread_quiet += (size_t)bytes;
    stream->unread += (size_t)bytes;
    wake_if_enough(stream);
    return 1;
}

/* the thread */

static media_stream *find(media_thread *thread, uint64_t id)
{
    size_t slot = (uint32_t)id;
    media_stream *stream = slot < thread->slots ? thread->streams[slot] : NULL;
    return stream && stream->id == id ? stream : NULL;
}

/* Send what is due by now on every stream. Returns when something is due again. */
static double look_at_all(media_thread *thread)
{
    double now = clock_now(), next = INFINITY;
    for (size_t slot = 0; slot < thread->slots; slot++) {
        media_stream *stream = thread->streams[slot];
        if (!stream)
            continue;
        if (stream->next_at <= now + SLACK_S)
            play(stream, now, SLACK_S);
        if (stream->wake_at <= now)
            wake(stream);
        next = fmin(next, stream->next_at);
    }
    return next;
}

/* Take what waits on one stream. When the thread was held up that may be much, and it is taken
 * before anything is sent: it was the machine that paused, not the caller. */
static void attend(media_thread *thread, uint64_t id, int held_up)
{
    pthread_mutex_lock(&thread->lock);
    media_stream *stream = find(thread, id);
    if (stream) {
        for (int most = held_up ? MOST_WAITING : 1; most > 0 && receive(stream); most--)
            ;
        if (!held_up)
            play(stream, clock_now(), AWAKE_SLACK_S);
    }
    unlock_and_tell(thread);
}

/* Milliseconds, rounded up, are fine enough: mostly a received frame wakes us just before. */
static int wait_until(media_thread *thread, double at, struct epoll_event *ready)
{
    double left_ms = isinf(at) ? -1 : ceil(fmax(at - clock_now(), 0) * 1000);
    return epoll_wait(thread->epoll, ready, READY, (int)left_ms);
}

static void *run(void *argument)
{
    media_thread *thread = argument;
    struct epoll_event ready[READY];
    pthread_setname_np(pthread_self(), "media");
    double next = INFINITY;
    for (;;) {
        int count = wait_until(thread, next, ready);
        int held_up = clock_now() > next + HELD_UP_S;
        if (held_up) /* after a stop of the process nothing may be said to wait that does */
            count = epoll_wait(thread->epoll, ready, READY, 0);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.u64 == 0)
                silence_bell(thread->kick);
            else
                attend(thread, ready[i].data.u64, held_up);
        }
        pthread_mutex_lock(&thread->lock);
        next = look_at_all(thread);
        unlock_and_tell(thread);
    }
    return NULL;
}

static int watch(media_thread *thread, int file, uint64_t id)
{
    struct epoll_event interest = {.events = EPOLLIN, .data.u64 = id};
    return epoll_ctl(thread->epoll, EPOLL_CTL_ADD, file, &interest);
}

static void release(media_thread *thread)
{
    int error = errno;
    int files[] = {thread->epoll, thread->kick, thread->alarm};
    for (int i = 0; i < 3; i++)
        if (files[i] >= 0)
            close(files[i]);
    free(thread);
    errno = error;
}

media_thread *media_start(void)
{
    media_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    pthread_mutex_init(&thread->lock, NULL);
    thread->epoll = epoll_create1(EPOLL_CLOEXEC);
    thread->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (thread->epoll < 0 || thread->kick < 0 || thread->alarm < 0 ||
        watch(thread, thread->kick, 0) < 0) {
        release(thread);
        return NULL;
    }
    /* Signals are for Python's own thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t started;
    int error = pthread_create(&started, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        errno = error;
        release(thread);
        return NULL;
    }
    pthread_detach(started);
    return thread;
}

int media_alarm(media_thread *thread) { return thread->alarm; }

uint64_t media_woken(media_thread *thread)
{
    uint64_t id = 0;
    pthread_mutex_lock(&thread->lock);
    for (size_t slot = 0; slot < thread->slots && !id; slot++) {
        media_stream *stream = thread->streams[slot];
        if (stream && stream->woken) {
            stream->woken = 0;
            id = stream->id;
        }
    }
    if (!id) /* under the lock, so that no alarm in between is lost */
        silence_bell(thread->alarm);
    pthread_mutex_unlock(&thread->lock);
    return id;
}

/* streams */

static int free_slot(media_thread *thread, size_t *slot)
{
    for (*slot = 0; *slot < thread->slots; (*slot)++)
        if (!thread->streams[*slot])
            return 0;
    size_t more = thread->slots ? thread->slots * 2 : 16;
    media_stream **grown = realloc(thread->streams, more * sizeof *grown);
    if (!grown)
        return -1;
    memset(grown + thread->slots, 0, (more - thread->slots) * sizeof *grown);
    thread->streams = grown;
    thread->slots = more;
    return 0;
}

static void release_stream(media_stream *stream)
{
    free(stream->journal);
    free(stream->silence);
    free(stream);
}

static int take_slot(media_stream *stream)
{
    media_thread *thread = stream->thread;
    size_t slot;
    int status = -1;
    pthread_mutex_lock(&thread->lock);
    if (free_slot(thread, &slot) == 0) {
        stream->id = ++thread->opened << 32 | slot;
        status = watch(thread, stream->socket, stream->id);
        if (status == 0)
            thread->streams[slot] = stream;
    }
    pthread_mutex_unlock(&thread->lock);
    return status;
}

media_stream *media_open(media_thread *thread, int socket, uint32_t peer_ip, uint16_t peer_port,
                         uint32_t frame_bytes, double quiet, double started_at)
{
    media_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->thread = thread;
    stream->socket = socket;
    stream->peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(peer_port),
                                        .sin_addr.s_addr = htonl(peer_ip)};
    stream->frame_bytes = frame_bytes;
    stream->quiet = quiet;
    stream->schedule.started_at = stream->next_at = started_at;
    stream->wake_bytes = stream->wake_most = SIZE_MAX;
    stream->wake_at = INFINITY;
    stream->journal_bytes = JOURNAL_FRAMES * 2 * (sizeof(entry) + frame_bytes);
    stream->journal = malloc(stream->journal_bytes);
    stream->silence = calloc(1, frame_bytes);
    if (!stream->journal || !stream->silence || take_slot(stream) < 0) {
        int error = errno;
        release_stream(stream);
        errno = error;
        return NULL;
    }
    ring(thread->kick); /* it may be asleep with nothing to look at */
    return stream;
}

void media_close(media_stream *stream)
{
    media_thread *thread = stream->thread;
    pthread_mutex_lock(&thread->lock);
    while (stream->voices)
        end_voice(stream->voices);
    epoll_ctl(thread->epoll, EPOLL_CTL_DEL, stream->socket, NULL);
    thread->streams[(uint32_t)stream->id] = NULL;
    unlock_and_tell(thread);
    release_stream(stream);
}

uint64_t media_id(const media_stream *stream) { return stream->id; }

size_t media_journal_bytes(const media_stream *stream) { return stream->journal_bytes; }

size_t media_take(media_stream *stream, unsigned char *into)
{
    pthread_mutex_lock(&stream->thread->lock);
    size_t used = stream->journal_used;
    memcpy(into, stream->journal, used);
    stream->journal_used = stream->unread = stream->unread_quiet = 0;
    stream->journal_full = 0;
    if (stream->unlogged_slots)
        note(stream, clock_now(), MEDIA_SKIPPED, stream->unlogged_slots, NULL);
    stream->unlogged_slots = 0;
    pthread_mutex_unlock(&stream->thread->lock);
    return used;
}

int64_t media_unread(media_stream *stream)
{
    pthread_mutex_lock(&stream->thread->lock);
    size_t unread = stream->unread;
    pthread_mutex_unlock(&stream->thread->lock);
    return (int64_t)(unread / stream->frame_bytes);
}

void media_wake(media_stream *stream, int64_t frames, int64_t most, double at)
{
    pthread_mutex_lock(&stream->thread->lock);
    stream->wake_bytes = (size_t)frames * stream->frame_bytes;
    stream->wake_most = (size_t)most * stream->frame_bytes;
    stream->wake_at = at;
    wake_if_enough(stream);
    unlock_and_tell(stream->thread);
}

media_counts media_counted(media_stream *stream)
{
    pthread_mutex_lock(&stream->thread->lock);
    media_counts counts = stream->counts;
    pthread_mutex_unlock(&stream->thread->lock);
    return counts;
}

/* voices */

media_voice *media_say(media_thread *thread, media_stream *stream)
{
    media_voice *voice = calloc(1, sizeof *voice);
    if (!voice)
        return NULL;
    voice->thread = thread;
    voice->stream = stream;
    voice->progress.done = stream == NULL;
    if (stream) {
        pthread_mutex_lock(&thread->lock);
        media_voice **link = &stream->voices;
        while (*link)
            link = &(*link)->next;
        *link = voice;
        pthread_mutex_unlock(&thread->lock);
    }
    return voice;
}

static int append(media_voice *voice, const unsigned char *frames, size_t bytes)
{
    size_t frame_bytes = voice->stream->frame_bytes;
    if (bytes == 0 || bytes % frame_bytes) {
        errno = EINVAL;
        return -1;
    }
    chunk *more = malloc(sizeof *more + bytes);
    if (!more)
        return -1;
    more->next = NULL;
    more->bytes = bytes;
    more->said = 0;
    memcpy(more->pcm, frames, bytes);
    if (voice->last)
        voice->last->next = more;
    else
        voice->first = more;
    voice->last = more;
    voice->progress.waiting += (int64_t)(bytes / frame_bytes);
    return 0;
}

int media_supply(media_voice *voice, const unsigned char *frames, size_t bytes)
{
    int status = 0;
    pthread_mutex_lock(&voice->thread->lock);
    if (voice->stream) {
        status = append(voice, frames, bytes);
        play(voice->stream, clock_now(), AWAKE_SLACK_S);
    }
    unlock_and_tell(voice->thread);
    return status;
}

void media_supplied(media_voice *voice)
{
    pthread_mutex_lock(&voice->thread->lock);
    voice->supplied = 1;
    if (voice->stream)
        play(voice->stream, clock_now(), AWAKE_SLACK_S);
    unlock_and_tell(voice->thread);
}

void media_hush(media_voice *voice)
{
    pthread_mutex_lock(&voice->thread->lock);
    if (voice->stream)
        end_voice(voice);
    unlock_and_tell(voice->thread);
}

media_progress media_said(media_voice *voice)
{
    pthread_mutex_lock(&voice->thread->lock);
    media_progress progress = voice->progress;
    pthread_mutex_unlock(&voice->thread->lock);
    return progress;
}

void media_forget(media_voice *voice)
{
    media_hush(voice);
    free(voice);
}
