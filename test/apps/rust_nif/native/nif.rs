// What erl_nif.h declares, as far as one function needs it.
use std::ffi::{c_char, c_int, c_uint, c_void};

type Term = usize;

#[repr(C)]
struct Function {
    name: *const c_char,
    arity: c_uint,
    call: extern "C" fn(*mut c_void, c_int, *const Term) -> Term,
    flags: c_uint,
}

#[repr(C)]
pub struct Entry {
    major: c_int,
    minor: c_int,
    name: *const c_char,
    count: c_int,
    functions: *const Function,
    callbacks: [*const c_void; 4],
    vm_variant: *const c_char,
    options: c_uint,
    size_of_resource_type_init: usize,
    min_erts: *const c_char,
}

extern "C" {
    fn enif_get_int(env: *mut c_void, term: Term, value: *mut c_int) -> c_int;
    fn enif_make_int(env: *mut c_void, value: c_int) -> Term;
    fn enif_make_badarg(env: *mut c_void) -> Term;
}

extern "C" fn millilitres(env: *mut c_void, _: c_int, arguments: *const Term) -> Term {
    let mut bottles = 0;
    unsafe {
        match enif_get_int(env, *arguments, &mut bottles) {
            0 => enif_make_badarg(env),
            _ => enif_make_int(env, bottles * 750),
        }
    }
}

#[no_mangle]
pub extern "C" fn nif_init() -> *const Entry {
    let function = Function { name: c"millilitres".as_ptr(), arity: 1, call: millilitres, flags: 0 };
    Box::leak(Box::new(Entry {
        major: 2,
        minor: 14,
        name: c"Elixir.Bottle".as_ptr(),
        count: 1,
        functions: Box::leak(Box::new(function)),
        callbacks: [std::ptr::null(); 4],
        vm_variant: c"beam.vanilla".as_ptr(),
        options: 1,
        size_of_resource_type_init: 0,
        min_erts: c"erts-10.4".as_ptr(),
    }))
}
