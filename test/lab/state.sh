# What a lab is on disk, who owns it, and how one that was left behind is found.
# shellcheck shell=bash

state=$LAB_HOME/$LAB

# A process id is used again one day; with the time it started it is unique.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

owned_by() { printf '%s %s\n' "$1" "$(started_at "$1")" >"$state/owner"; }

# Runs a function while no other lab is being claimed or released.
alone() {
  mkdir -p -m 700 "$LAB_HOME"
  (
    flock 9
    "$@" 9>&-
  ) 9>"$LAB_HOME/lock"
}

claim() {
  sweep
  alone claim_slot
}

claim_slot() {
  [ ! -e "$state" ] || die 'is already up; run `lab down` first'
  mkdir "$state"
  owned_by $$
  cgroups_claim
  free_slot >"$state/slot" || die 'no free subnet 10.77.*.0/24'
}

# While it starts, a lab belongs to the starting process; then to LAB_OWNER, or to nobody.
hand_over() { if [ -n "${LAB_OWNER:-}" ]; then owned_by "$LAB_OWNER"; else echo - >"$state/owner"; fi; }

release() { alone release_slot; }

release_slot() {
  cgroups_release
  rm -rf "$state"
}

known() { [ -s "$state/slot" ] || die 'is not up'; }

list() {
  local folder
  for folder in "$LAB_HOME"/*/; do [ ! -f "$folder/owner" ] || basename "$folder"; done
}

# True when the owner has died, or when nobody owns it and the machine has been restarted since.
left_behind() {
  local pid start
  read -r pid start <"$1/owner" || return 0
  if [ "$pid" = - ]; then
    [ ! -e "/run/netns/homeostat-$(cat "$1/slot")-switch" ]
  else
    [ "$(started_at "$pid")" != "$start" ]
  fi
}

sweep() {
  local name
  for name in $(list); do
    left_behind "$LAB_HOME/$name" || continue
    say "removes '$name', which was left behind"
    LAB=$name "$here/lab" down
  done
}
