# What the Perl tests of the command line share: a scratch folder, a work folder of their own, and foxbench with its
# output in files of the scratch folder.
package FoxBench;
use strict;
use warnings;
use Exporter "import";
use File::Temp qw(tempdir);

our @EXPORT    = qw($foxbench $out slurp start ended finish fox fake_worker);
our @EXPORT_OK = qw(spawn);

our $foxbench = ($ENV{FOX_BIN_DIR} // die "set FOX_BIN_DIR to the folder of foxbench") . "/foxbench";
our $out      = tempdir("foxbench-test-XXXXXX", TMPDIR => 1, CLEANUP => 1);
$ENV{TMPDIR}       = tempdir("foxbench-work-XXXXXX", TMPDIR => 1, CLEANUP => 1);
$ENV{FOXBENCH_PDF} = "off";

# From here on runs are made up by fake_worker.c, in no lab at all.
sub fake_worker {
    $ENV{FOXBENCH_WORKER} = "$ENV{FOX_BIN_DIR}/../tests/fake_worker";
    $ENV{FOXBENCH_LAB}    = "$ENV{FOX_SOURCE_DIR}/bench/record/tests/fake_lab.sh";
    return;
}

# A file's bytes; nothing when it cannot be read.
sub slurp {
    my ($path) = @_;
    open my $f, "<", $path or return "";
    local $/;
    return scalar <$f>;
}

# A command in the background; its process.
sub spawn {
    my @command = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, ">", "$out/stdout" or die;
        open STDERR, ">", "$out/stderr" or die;
        exec @command or die;
    }
    return $pid;
}

# foxbench with these arguments in the background; its process.
sub start { return spawn($foxbench, @_) }

# Waits for a process; its exit code, or 1000 and the signal that ended it.
sub ended {
    waitpid $_[0], 0;
    return $? & 127 ? 1000 + ($? & 127) : $? >> 8;
}

# Waits for a process; exit code, standard output, standard error.
sub finish {
    my $code = ended(@_);
    return ($code, slurp("$out/stdout"), slurp("$out/stderr"));
}

# foxbench from beginning to end; the same three.
sub fox { return finish(start(@_)) }

1;
