/*
 * The Azure Batch task runner of Kestra, for C. Written by cbindgen from rust/c-abi/src/lib.rs: `make header`.
 * Texts are UTF-8 that ends with a zero byte. The request and the events are the JSON documents of tests/fixtures.
 */

#ifndef KESTRA_AZURE_BATCH_H
#define KESTRA_AZURE_BATCH_H

#include <stdint.h>

// There was something.
#define KESTRA_BATCH_OK 1

// Nothing happened in that time.
#define KESTRA_BATCH_NOTHING 0

// The request cannot be run; the text begins with the property's name.
#define KESTRA_BATCH_BAD_REQUEST -1

// The call makes no sense now, such as `next` on a run that is closed; the text says why.
#define KESTRA_BATCH_BAD_STATE -2

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Starts a run and returns at once. Returns the number of the run, which is positive; otherwise one of the negative
// constants, and the reason in `text`, to be freed.
//
// # Safety
// `request` is a text or null; `text` is where a pointer can be written, or null.
int64_t kestra_batch_start(const char *request,
                           char **text);

// Waits for the next events of a run, at most so many milliseconds. Returns `KESTRA_BATCH_OK` and a JSON array of events in
// `text`, `KESTRA_BATCH_NOTHING` and null, or one of the negative constants and the reason; the text is to be freed.
//
// # Safety
// `text` is where a pointer can be written, or null.
int32_t kestra_batch_next(int64_t run,
                          uint64_t timeout_millis,
                          char **text);

// Answers an event `select` of a run: for each of its patterns, the positions of the names that it matches, as JSON. An
// unknown run is ignored. Returns `KESTRA_BATCH_OK`, or a negative constant and the reason in `text`, to be freed.
//
// # Safety
// `selection` is a text or null; `text` is where a pointer can be written, or null.
int32_t kestra_batch_select(int64_t run,
                            const char *selection,
                            char **text);

// Says that the caller has recorded the outcome of a run, so that its clean-up may begin. An unknown run is ignored.
void kestra_batch_acknowledge(int64_t run);

// Ends the Batch job of a run. From any thread, any number of times, also after `kestra_batch_close`.
void kestra_batch_kill(int64_t run);

// Ends the reading of a run's events and leaves its job alone; it may wait for 5 s. Any number of times.
void kestra_batch_close(int64_t run);

// Frees a text that a call of this library handed out. Null is nothing.
//
// # Safety
// `text` came from a call of this library and is not used any more.
void kestra_batch_free(char *text);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KESTRA_AZURE_BATCH_H */
