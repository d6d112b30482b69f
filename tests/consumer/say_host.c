#include "say.h"

#include <stdio.h>

void say(const char *text) {
    (void)fputs(text, stdout);
}
