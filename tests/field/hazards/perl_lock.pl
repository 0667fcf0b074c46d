# A shared variable of Perl's threads has a lock that is made of a mutex and a condition variable. A thread has it
# while main forks; the child wants it.
use strict;
use warnings;
use threads;
use threads::shared;
use POSIX ();

my $cache : shared = 0;
pipe(my $entered, my $enter) or die;
pipe(my $left, my $leave)    or die;

my $filler = threads->create(
    sub {
        lock($cache);
        syswrite($enter, "x");
        sysread($left, my $token, 1);
    }
);
sysread($entered, my $token, 1);

my $pid = fork() // die;
if ($pid == 0) {
    lock($cache);
    POSIX::_exit(0);
}
waitpid($pid, 0);
printf("child ended with %d\n", $? & 127 ? -($? & 127) : $? >> 8);
syswrite($leave, "x");
$filler->join();
