/* What Python sees of the media thread; cffi reads this file too, so no preprocessor here.
 *
 * Times are seconds of CLOCK_MONOTONIC, Python's time.perf_counter(). Every function may be called
 * from any thread. What is opened must be closed, and a stream or voice is not used after that.
 */

/* When the next frame leaves: a grid of one frame every 20 ms, on which speech runs one frame
 * ahead of silence. Sending returns how many slots had to be left out before, mostly 0. */
typedef struct {
    double started_at;
    int64_t slot;
} playout_schedule;

double playout_due(const playout_schedule *schedule, int speech);
void playout_align(playout_schedule *schedule, double now);
int64_t playout_sent(playout_schedule *schedule, double now);

/* What became of a stream's frames. */
typedef struct {
    int64_t sent;
    int64_t late;
    int64_t unsent;
    int64_t strangers;
    int64_t oversized;
    int64_t unlogged;
} media_counts;

/* How far a voice has come. `first_at` is 0 until a frame has left. */
typedef struct {
    int64_t played;
    int64_t waiting;
    double first_at;
    int done;
} media_progress;

typedef struct media_thread media_thread;
typedef struct media_stream media_stream;
typedef struct media_voice media_voice;

/* The sources that this was compiled from, so that a stale library is noticed. */
const char *media_sources(void);

/* Start the thread, once a process. NULL with errno set when there is none to be had. */
media_thread *media_start(void);

/* Readable when streams want to be looked at; media_woken says which, 0 when there are no more. */
int media_alarm(media_thread *thread);
uint64_t media_woken(media_thread *thread);

/* Send and receive on a bound UDP socket, with one peer, frames of so many bytes. Silence is sent
 * from now on. A datagram is quiet when the squares of its samples sum up to less than `quiet`.
 * NULL with errno set when there is no memory. The socket stays the caller's. */
media_stream *media_open(media_thread *thread, int socket, uint32_t peer_ip, uint16_t peer_port,
                         uint32_t frame_bytes, double quiet, double started_at);
void media_close(media_stream *stream);
uint64_t media_id(const media_stream *stream);

/* The journal: what came and what left since it was last taken, in order. Each entry is a double
 * (when), two uint32_t (which of the kinds below, how many bytes follow; slots for SKIPPED), and
 * the bytes. `media_take` empties it into a buffer of at least `media_journal_bytes`. One that is
 * full takes nothing more; what we sent meanwhile is SKIPPED then, so that it still makes time. */
enum { MEDIA_HEARD = 1, MEDIA_SILENCE = 2, MEDIA_SPOKEN = 3, MEDIA_SKIPPED = 4 };
size_t media_journal_bytes(const media_stream *stream);
size_t media_take(media_stream *stream, unsigned char *into);

/* How many frames came since the journal was last taken. */
int64_t media_unread(media_stream *stream);

/* Wake the stream's owner when so many frames have come since the journal was last taken, not
 * counting quiet ones before the first that is not; with `most` frames of any kind; or with the
 * first frame that is sent after a time. A voice's end does so as well. Holds once. */
void media_wake(media_stream *stream, int64_t frames, int64_t most, double at);

media_counts media_counted(media_stream *stream);

/* A voice speaks when all before it have ended; without a stream it is done from the start. What it
 * is supplied with, whole frames, is copied; the first leaves at once when it is the voice's turn.
 * 0, or -1 with errno. */
media_voice *media_say(media_thread *thread, media_stream *stream);
int media_supply(media_voice *voice, const unsigned char *frames, size_t bytes);

/* No more will be supplied: it is done when its last frame has had its 20 ms. */
void media_supplied(media_voice *voice);

/* Fall silent: what is left of it is not said. */
void media_hush(media_voice *voice);
media_progress media_said(media_voice *voice);
void media_forget(media_voice *voice);
