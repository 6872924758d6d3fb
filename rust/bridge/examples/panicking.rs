//! A library for the tests: with a native method that panics, and fails as those of the bridge do.

use jni::objects::JClass;
use jni::{Env, NativeMethod, native_method};
use kestra_azure_batch::{Failure, Throw};

const _: NativeMethod = native_method! {
    java_type = "io.kestra.plugin.azure.runner.Panicking",
    static extern fn call(),
    error_policy = Throw,
};

#[expect(clippy::panic, reason = "that is what it is for")]
fn call<'a>(_: &mut Env<'a>, _: JClass<'a>) -> Result<(), Failure> {
    panic!("canary")
}
