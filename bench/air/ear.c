#include "bench/air/ear.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Samples that are searched between two signs of life: a band full of signals takes its time.
enum { SLICE = 4096, ALIVE_MS = 200 };

struct air_ear {
    struct air_ear_config config;
    struct air_receiver *receiver; // the thread's while `given`, else the owner's
    int64_t pushed;
    int64_t beside;
    bool given; // the owner's: the thread has got samples, and nobody has waited for it yet
    bool running;
    pthread_t thread;
    pthread_mutex_t lock; // for all below
    pthread_cond_t changed;
    int16_t *iq;
    size_t n, cap; // n > 0: to be searched
    bool stop;
    int rc; // of what was searched last
    struct err err;
};

static int tell(const struct air_ear *e, struct err *err)
{
    return e->config.alive ? e->config.alive(e->config.alive_ctx, err) : ERR_OK;
}

static void *search(void *ear)
{
    struct air_ear *e = ear;
    pthread_mutex_lock(&e->lock);
    while (!e->stop) {
        if (e->n == 0) {
            pthread_cond_wait(&e->changed, &e->lock);
            continue;
        }
        pthread_mutex_unlock(&e->lock); // samples and receiver are this thread's now
        int rc = air_receiver_push(e->receiver, e->iq, e->n, &e->err);
        pthread_mutex_lock(&e->lock);
        e->rc = rc;
        e->n = 0;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

// Signals are for the owner's thread.
static int start(struct air_ear *e, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&e->thread, NULL, search, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why != 0)
        return err_set(err, ERR_NOMEM, "a receiver's thread: %s; end other programs",
                       strerror(why));
    e->running = true;
    return ERR_OK;
}

static int init_lock(struct air_ear *e)
{
    pthread_condattr_t attr;
    if (pthread_mutex_init(&e->lock, NULL) != 0) return -1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(&e->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (rc != 0) pthread_mutex_destroy(&e->lock);
    return rc;
}

int air_ear_new(struct air_ear **out, const struct air_ear_config *config, struct err *err)
{
    struct air_ear *e = calloc(1, sizeof *e);
    if (!e || init_lock(e) != 0) {
        free(e);
        return err_set(err, ERR_NOMEM, "no memory for a receiver");
    }
    e->config = *config;
    int rc = air_receiver_new(&e->receiver, &config->receiver, err);
    if (rc == ERR_OK) rc = start(e, err);
    if (rc < 0) {
        air_ear_free(e);
        return rc;
    }
    *out = e;
    return ERR_OK;
}

void air_ear_free(struct air_ear *e)
{
    if (!e) return;
    if (e->running) {
        pthread_mutex_lock(&e->lock);
        e->stop = true;
        pthread_cond_broadcast(&e->changed);
        pthread_mutex_unlock(&e->lock);
        pthread_join(e->thread, NULL);
    }
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    air_receiver_free(e->receiver);
    free(e->iq);
    free(e);
}

// Until the thread is through. Its error stays with it: every later call gives it again.
static int wait_for_thread(struct air_ear *e, struct err *err)
{
    int rc = ERR_OK;
    pthread_mutex_lock(&e->lock);
    while (e->n > 0 && rc >= 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ALIVE_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        if (pthread_cond_timedwait(&e->changed, &e->lock, &until) == 0) continue;
        pthread_mutex_unlock(&e->lock);
        rc = tell(e, err);
        pthread_mutex_lock(&e->lock);
    }
    if (e->n == 0) e->given = false;
    if (rc >= 0 && e->rc < 0) {
        rc = e->rc;
        if (err) *err = e->err;
    }
    pthread_mutex_unlock(&e->lock);
    return rc;
}

// The samples are copied: the caller's buffer is filled again meanwhile.
static int give(struct air_ear *e, const int16_t *iq, size_t n, struct err *err)
{
    if (n > e->cap) {
        int16_t *more = realloc(e->iq, n * 2 * sizeof *more);
        if (!more) return err_set(err, ERR_NOMEM, "no memory for %zu samples", n);
        e->iq = more;
        e->cap = n;
    }
    memcpy(e->iq, iq, n * 2 * sizeof *iq);
    pthread_mutex_lock(&e->lock);
    e->n = n;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    e->given = true;
    e->beside += (int64_t)n;
    return ERR_OK;
}

int air_ear_push(struct air_ear *e, const int16_t *iq, size_t n, struct err *err)
{
    if (n == 0) return ERR_OK;
    int rc = wait_for_thread(e, err);
    if (rc < 0) return rc;
    e->pushed += (int64_t)n;
    if (e->pushed < air_receiver_quiet(e->receiver)) return give(e, iq, n, err);
    for (size_t at = 0, here; at < n; at += here) {
        here = n - at < SLICE ? n - at : SLICE;
        rc = air_receiver_push(e->receiver, iq + 2 * at, here, err);
        if (rc >= 0) rc = tell(e, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

bool air_ear_next(struct air_ear *e, struct air_frame *out)
{
    return !e->given && air_receiver_next(e->receiver, out);
}

int64_t air_ear_settled(struct air_ear *e)
{
    // What goes wrong is said again when samples are pushed.
    if (e->given && wait_for_thread(e, NULL) < 0 && e->given) return 0;
    return air_receiver_settled(e->receiver);
}

int64_t air_ear_settled_at_most(const struct air_ear *e)
{
    return e->given ? e->pushed : air_receiver_settled(e->receiver);
}

int64_t air_ear_beside(const struct air_ear *e)
{
    return e->beside;
}
