// parking_lot's Mutex: a byte, and a table of waiters that sleep on words of their own. A thread holds one while
// main forks; the child takes it.
use parking_lot::{const_mutex, Mutex};
use std::sync::mpsc;
use std::thread;

static CACHE: Mutex<i32> = const_mutex(0);

extern "C" {
    fn fork() -> i32;
    fn _exit(code: i32) -> !;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
}

#[inline(never)]
fn cache_read(cache: &Mutex<i32>) -> i32 {
    *cache.lock()
}

fn main() {
    let (taken, is_taken) = mpsc::channel();
    let (finish, finished) = mpsc::channel::<()>();
    let filler = thread::spawn(move || {
        let _guard = CACHE.lock();
        taken.send(()).unwrap();
        finished.recv().unwrap();
    });
    is_taken.recv().unwrap();
    let pid = unsafe { fork() };
    if pid == 0 {
        let value = cache_read(&CACHE);
        unsafe { _exit(value) }
    }
    let mut status = 0;
    unsafe { waitpid(pid, &mut status, 0) };
    println!("child ended with {}", -(status & 0x7f));
    finish.send(()).unwrap();
    filler.join().unwrap();
}
