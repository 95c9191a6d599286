#!/bin/sh
# Hold the lock of a job for a while: exclusive.sh <folder> <job> <task id> <attempt> <seconds> <obedient|stubborn>
# Stamps go to <folder>/stamps. A killed command leaves none, but the kernel releases its lock exactly when it is gone,
# so `overlap` means that another command of the job was still running.
set -u
folder=$1 job=$2 task=$3 attempt=$4 seconds=$5 manner=$6

stamp() {
    read -r uptime _ </proc/uptime
    echo "$1 $job $task $attempt $uptime" >>"$folder/stamps"
}

end() {
    stamp end
    exit "$1"
}

case $manner in
    stubborn) trap '' TERM ;;
    *) trap 'end 143' TERM ;;
esac
exec 9>>"$folder/locks/$job"
flock -n 9 || { stamp overlap; exit 75; }
stamp start
sleep "$seconds" 9>&- &
wait
end 0
