/* Text to where the test reads it. */
#ifndef TP_TESTS_CONSUMER_SAY_H
#define TP_TESTS_CONSUMER_SAY_H

void say(const char *text);

#endif
