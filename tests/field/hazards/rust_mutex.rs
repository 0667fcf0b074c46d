// std::sync::Mutex is std's own lock on a futex. A thread holds one while main forks; the child wants it.
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

#[inline(never)]
fn cache_fill(cache: &Mutex<Vec<u32>>, forked: &Barrier) {
    let mut entries = cache.lock().unwrap();
    entries.push(1);
    forked.wait(); // held from here ...
    forked.wait(); // ... to here
}

#[inline(never)]
fn cache_read(cache: &Mutex<Vec<u32>>) -> usize {
    cache.lock().unwrap().len()
}

fn main() {
    let cache = Arc::new(Mutex::new(Vec::new()));
    let forked = Arc::new(Barrier::new(2));
    let filler = {
        let (cache, forked) = (cache.clone(), forked.clone());
        thread::Builder::new().name("filler".into()).spawn(move || cache_fill(&cache, &forked)).unwrap()
    };
    forked.wait();
    let pid = unsafe { fork() };
    if pid == 0 {
        let count = cache_read(&cache);
        unsafe { _exit(count as i32) }
    }
    let mut status = 0;
    unsafe { waitpid(pid, &mut status, 0) };
    println!("child ended with {}", if status & 0x7f != 0 { -(status & 0x7f) } else { status >> 8 });
    forked.wait();
    filler.join().unwrap();
}
