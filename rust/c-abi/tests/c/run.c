/* Runs the request on standard input and prints its events, one array a line. The exit code is 0 if there was an outcome. */
#include "kestra_azure_batch.h"
#include <stdio.h>
#include <string.h>

static char request[1 << 20];

int main(void) {
    char *text = NULL;
    request[fread(request, 1, sizeof request - 1, stdin)] = 0;
    int64_t run = kestra_batch_start(request, &text);
    if (run < 0) {
        printf("refused %d: %s\n", (int)run, text);
        kestra_batch_free(text);
        return 2;
    }
    int code = 3, ended = 0;
    while (!ended) {
        int32_t got = kestra_batch_next(run, 500, &text);
        if (got < 0) {
            printf("failed %d: %s\n", (int)got, text);
            kestra_batch_free(text);
            return 4;
        }
        if (got == KESTRA_BATCH_NOTHING) {
            continue;
        }
        puts(text);
        if (strstr(text, "\"type\":\"outcome\"")) {
            code = 0;
            kestra_batch_acknowledge(run);
        }
        ended = strstr(text, "\"type\":\"end\"") != NULL;
        kestra_batch_free(text);
    }
    kestra_batch_close(run);
    kestra_batch_close(run);
    kestra_batch_kill(run);
    /* The reason of a late call is not wanted here. */
    return kestra_batch_next(run, 0, NULL) == KESTRA_BATCH_BAD_STATE ? code : 5;
}
