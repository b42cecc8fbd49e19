/* Parameter lists of functions of which only the types are known: PARAMS(int,
 * char *) is "int a1, char *a2", and ARGS of the same "a1, a2". */
#ifndef FAULT_ARITY_H
#define FAULT_ARITY_H

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define COUNT_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, n, ...) n
#define COUNT(...) COUNT_(__VA_ARGS__, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

#define PARAMS(...) CAT(PARAMS_, COUNT(__VA_ARGS__))(__VA_ARGS__)
#define PARAMS_1(A) A a1
#define PARAMS_2(A, B) A a1, B a2
#define PARAMS_3(A, B, C) A a1, B a2, C a3
#define PARAMS_4(A, B, C, D) A a1, B a2, C a3, D a4
#define PARAMS_5(A, B, C, D, E) A a1, B a2, C a3, D a4, E a5
#define PARAMS_6(A, B, C, D, E, F) A a1, B a2, C a3, D a4, E a5, F a6
#define PARAMS_7(A, B, C, D, E, F, G) A a1, B a2, C a3, D a4, E a5, F a6, G a7
#define PARAMS_8(A, B, C, D, E, F, G, H) A a1, B a2, C a3, D a4, E a5, F a6, G a7, H a8
#define PARAMS_9(A, B, C, D, E, F, G, H, I) A a1, B a2, C a3, D a4, E a5, F a6, G a7, H a8, I a9
#define PARAMS_10(A, B, C, D, E, F, G, H, I, J) A a1, B a2, C a3, D a4, E a5, F a6, G a7, H a8, I a9, J a10

#define ARGS(...) CAT(ARGS_, COUNT(__VA_ARGS__))
#define ARGS_1 a1
#define ARGS_2 ARGS_1, a2
#define ARGS_3 ARGS_2, a3
#define ARGS_4 ARGS_3, a4
#define ARGS_5 ARGS_4, a5
#define ARGS_6 ARGS_5, a6
#define ARGS_7 ARGS_6, a7
#define ARGS_8 ARGS_7, a8
#define ARGS_9 ARGS_8, a9
#define ARGS_10 ARGS_9, a10

/* The last one, where functions that make an object put its handle, and the
 * last but one, which functions that destroy an object take. */
#define LAST(...) CAT(a, COUNT(__VA_ARGS__))
#define DESTROYED(...) CAT(DESTROYED_, COUNT(__VA_ARGS__))
#define DESTROYED_1 a1
#define DESTROYED_2 a1
#define DESTROYED_3 a2
#define DESTROYED_4 a3
#define DESTROYED_5 a4
#define DESTROYED_6 a5
#define DESTROYED_7 a6
#define DESTROYED_8 a7
#define DESTROYED_9 a8
#define DESTROYED_10 a9

/* The second one, or the only one. */
#define SECOND(...) CAT(SECOND_, COUNT(__VA_ARGS__))
#define SECOND_1 a1
#define SECOND_2 a2
#define SECOND_3 a2
#define SECOND_4 a2
#define SECOND_5 a2
#define SECOND_6 a2
#define SECOND_7 a2
#define SECOND_8 a2
#define SECOND_9 a2
#define SECOND_10 a2

#endif
