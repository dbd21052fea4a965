#include <erl_nif.h>

/* Parallel by OpenMP: the compiler brings its library, libgomp.so.1, to the builder. */
static ERL_NIF_TERM litres(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
    int grapes, litres = 0;
    if (!enif_get_int(env, argv[0], &grapes)) return enif_make_badarg(env);
#pragma omp parallel for reduction(+ : litres)
    for (int i = 0; i < grapes; i++) litres += 2;
    return enif_make_int(env, litres);
}

static ErlNifFunc functions[] = {{"litres", 1, litres, 0}};

ERL_NIF_INIT(Elixir.Press, functions, NULL, NULL, NULL, NULL)
