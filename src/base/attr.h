/* Attributes that turn a contract into a compiler warning. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

/* The result tells whether it worked: dropping it is an error (-Werror). */
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))
#define NO_RETURN __attribute__((noreturn))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
