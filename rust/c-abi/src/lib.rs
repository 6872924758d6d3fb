//! The six calls of the bridge, for C. A run is a number; texts are UTF-8 that ends with a zero byte.
//!
//! A text that a call hands out belongs to the caller, who gives it back with [`kestra_batch_free`]. No call of this
//! library keeps a pointer that it was given, and none panics into C.

use std::ffi::{CStr, CString, c_char};
use std::panic::{UnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

use kestra_azure_batch::{Refused, acknowledge, close, kill, next, select, start};

/// There was something.
pub const KESTRA_BATCH_OK: i32 = 1;
/// Nothing happened in that time.
pub const KESTRA_BATCH_NOTHING: i32 = 0;
/// The request cannot be run; the text begins with the property's name.
pub const KESTRA_BATCH_BAD_REQUEST: i32 = -1;
/// The call makes no sense now, such as `next` on a run that is closed; the text says why.
pub const KESTRA_BATCH_BAD_STATE: i32 = -2;

/// Starts a run and returns at once. Returns the number of the run, which is positive; otherwise one of the negative
/// constants, and the reason in `text`, to be freed.
///
/// # Safety
/// `request` is a text or null; `text` is where a pointer can be written, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kestra_batch_start(request: *const c_char, text: *mut *mut c_char) -> i64 {
    // SAFETY: as the caller promises.
    let request = unsafe { read(request) };
    let started = guarded(|| start(&request?));
    // SAFETY: as the caller promises.
    started.unwrap_or_else(|refused| i64::from(unsafe { refuse(&refused, text) }))
}

/// Waits for the next events of a run, at most so many milliseconds. Returns `KESTRA_BATCH_OK` and a JSON array of events in
/// `text`, `KESTRA_BATCH_NOTHING` and null, or one of the negative constants and the reason; the text is to be freed.
///
/// # Safety
/// `text` is where a pointer can be written, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kestra_batch_next(
    run: i64,
    timeout_millis: u64,
    text: *mut *mut c_char,
) -> i32 {
    match guarded(|| next(run, Duration::from_millis(timeout_millis))) {
        Ok(events) => {
            let code = if events.is_some() { KESTRA_BATCH_OK } else { KESTRA_BATCH_NOTHING };
            // SAFETY: as the caller promises.
            unsafe { write(events.as_deref(), text) };
            code
        }
        // SAFETY: as the caller promises.
        Err(refused) => unsafe { refuse(&refused, text) },
    }
}

/// Answers an event `select` of a run: for each of its patterns, the positions of the names that it matches, as JSON. An
/// unknown run is ignored. Returns `KESTRA_BATCH_OK`, or a negative constant and the reason in `text`, to be freed.
///
/// # Safety
/// `selection` is a text or null; `text` is where a pointer can be written, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kestra_batch_select(
    run: i64,
    selection: *const c_char,
    text: *mut *mut c_char,
) -> i32 {
    // SAFETY: as the caller promises.
    let selection = unsafe { read(selection) };
    match guarded(|| select(run, &selection?)) {
        Ok(()) => KESTRA_BATCH_OK,
        // SAFETY: as the caller promises.
        Err(refused) => unsafe { refuse(&refused, text) },
    }
}

/// Says that the caller has recorded the outcome of a run, so that its clean-up may begin. An unknown run is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn kestra_batch_acknowledge(run: i64) {
    let _ = guarded(|| {
        acknowledge(run);
        Ok(())
    });
}

/// Ends the Batch job of a run. From any thread, any number of times, also after `kestra_batch_close`.
#[unsafe(no_mangle)]
pub extern "C" fn kestra_batch_kill(run: i64) {
    let _ = guarded(|| {
        kill(run);
        Ok(())
    });
}

/// Ends the reading of a run's events and leaves its job alone; it may wait for 5 s. Any number of times.
#[unsafe(no_mangle)]
pub extern "C" fn kestra_batch_close(run: i64) {
    let _ = guarded(|| {
        close(run);
        Ok(())
    });
}

/// Frees a text that a call of this library handed out. Null is nothing.
///
/// # Safety
/// `text` came from a call of this library and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kestra_batch_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: `write` made it from a `CString`, and nobody else owns it.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// A panic may quote anything, a secret included: only that there was one is told.
fn guarded<T>(call: impl FnOnce() -> Result<T, Refused> + UnwindSafe) -> Result<T, Refused> {
    catch_unwind(call).unwrap_or_else(|_| {
        let text = "internal error of the Azure Batch task runner: it panicked, please report it";
        Err(Refused::BadState(text.to_owned()))
    })
}

/// # Safety
/// `text` is a text or null.
unsafe fn read(text: *const c_char) -> Result<String, Refused> {
    if text.is_null() {
        return Err(Refused::BadState("a text is null".to_owned()));
    }
    // SAFETY: as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str()
        .map(str::to_owned)
        .map_err(|_| Refused::BadRequest("request: not UTF-8".to_owned()))
}

/// # Safety
/// `to` is where a pointer can be written, or null.
unsafe fn refuse(refused: &Refused, to: *mut *mut c_char) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { write(Some(&refused.to_string()), to) };
    match refused {
        Refused::BadRequest(_) => KESTRA_BATCH_BAD_REQUEST,
        Refused::BadState(_) => KESTRA_BATCH_BAD_STATE,
    }
}

/// Nothing is written where nobody wants it: it could not be freed.
///
/// # Safety
/// `to` is where a pointer can be written, or null.
unsafe fn write(text: Option<&str>, to: *mut *mut c_char) {
    if to.is_null() {
        return;
    }
    // JSON writes a zero character as an escape; in an error it is left out.
    let text = text.and_then(|text| CString::new(text.replace('\0', "")).ok());
    // SAFETY: as the caller promises.
    unsafe { *to = text.map_or(ptr::null_mut(), CString::into_raw) };
}
