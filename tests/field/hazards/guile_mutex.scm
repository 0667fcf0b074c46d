;; A mutex of Guile's is made of a mutex and a condition variable of each thread that waits. A thread has it while
;; main forks; the child wants it. Guile's collector has handlers of SIGPWR and SIGXCPU.
(use-modules (ice-9 threads))

(define cache (make-mutex))
(define entered (pipe))

(call-with-new-thread
 (lambda ()
   (lock-mutex cache)
   (write-char #\x (cdr entered))
   (force-output (cdr entered))
   (read-char (car (pipe)))))
(read-char (car entered))

(define pid (primitive-fork))
(when (= pid 0)
  (lock-mutex cache)
  (primitive-_exit 0))

(define status (cdr (waitpid pid)))
(format #t "child ended with ~a\n" (if (status:term-sig status) (- (status:term-sig status)) (status:exit-val status)))
(force-output)
(primitive-_exit 0)
