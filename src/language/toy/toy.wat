;; A guest of a language of one-word cells, which speaks the door (docs/door.md) and nothing else.
;;
;; A cell is a word: `echo TEXT` prints the text; `count` prints how often it was run; `fail` fails; `loop` goes on until it is
;; interrupted; `spin` goes on for ever; `grow` takes memory until there is none; `write` writes a file; `trap` and
;; `xit` end the guest.
;;
;; A name between `@` signs is a text of `mod.rs`: its address and its length.
(module
  (import "host" "call" (func $call (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  ;; Nothing but memory is kept of a guest, so all that lasts is in it, at these addresses:
  ;; 16 the interrupt flag; 20 where free memory begins; 24 two bytes to print; 32 the door's answer and 36 its length;
  ;; 40 a buffer of WASI's and 44 its length; 48 what WASI answers; 64 how often `count` was run.
  (memory (export "memory") 4)

  (func (export "_initialize") (call $free_all))

  (func $free_all (i32.store (i32.const 20) (i32.const 131072)))

  ;; Room for the host to write in, until the turn ends; 0 if there is none.
  (func (export "host_alloc") (param $length i32) (result i32)
    (local $at i32)
    (local.set $at (i32.load (i32.const 20)))
    (i32.store (i32.const 20)
      (i32.and (i32.add (i32.add (local.get $at) (local.get $length)) (i32.const 7)) (i32.const -8)))
    (select (i32.const 0) (local.get $at) (i32.gt_u (i32.load (i32.const 20)) (i32.const 262144))))

  ;; What setup calls to see which words an interrupt sets.
  (func $toy_interrupt (param $signal i32) (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i32.const 0))

  ;; One turn. The source `first` only starts the guest; any other serves one request.
  (func (export "turn") (param $source i32) (param $length i32) (result i32)
    (if (i32.ne (i32.load8_u (local.get $source)) (i32.const 102 (; f ;)))
      (then
        (call $send @next@)
        (call $serve
          (i32.add (i32.load (i32.const 32)) (i32.const 4))
          (i32.load (i32.load (i32.const 32))))))
    (call $free_all)
    (i32.const 0))

  (func $send (param $frame i32) (param $length i32)
    (if (call $call (local.get $frame) (local.get $length) (i32.const 32) (i32.const 36)) (then unreachable)))

  ;; Serves the request with this JSON text. What is no cell has an empty answer.
  (func $serve (param $json i32) (param $length i32)
    (local $code i32) (local $letter i32)
    (if (i32.eqz (call $behind (local.get $json) (local.get $length) @is_execute@))
      (then (call $send @ok@) (return)))
    (local.set $code (call $behind (local.get $json) (local.get $length) @is_code@))
    (local.set $letter (i32.load8_u (local.get $code)))
    (if (i32.eq (local.get $letter) (i32.const 99 (; count ;))) (then (call $count)))
    (if (i32.eq (local.get $letter) (i32.const 102 (; fail ;))) (then (call $send @says_failed@) (call $send @failed@) (return)))
    (if (i32.eq (local.get $letter) (i32.const 103 (; grow ;)))
      (then
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (call $send @says_no_memory@)
        (call $send @no_memory@)
        (return)))
    (if (i32.eq (local.get $letter) (i32.const 108 (; loop ;)))
      (then
        (loop $again (br_if $again (i32.eqz (i32.load (i32.const 16)))))
        (i32.store (i32.const 16) (i32.const 0))
        (call $send @says_interrupted@)
        (call $send @interrupted@)
        (return)))
    (if (i32.eq (local.get $letter) (i32.const 115 (; spin ;))) (then (loop $for_ever (br $for_ever))))
    (if (i32.eq (local.get $letter) (i32.const 116 (; trap ;))) (then unreachable))
    (if (i32.eq (local.get $letter) (i32.const 119 (; write ;))) (then (call $write)))
    (if (i32.eq (local.get $letter) (i32.const 120 (; xit ;))) (then (call $proc_exit (i32.const 3))))
    (if (i32.eq (local.get $letter) (i32.const 101 (; echo ;)))
      (then
        (local.set $code (i32.add (local.get $code) (i32.const 5)))
        (call $print (i32.const 1) (local.get $code) (call $up_to_quote (local.get $code)))
        (call $print (i32.const 1) @newline@)))
    (call $send @ok@))

  (func $count
    (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
    (i32.store8 (i32.const 24) (i32.add (i32.load (i32.const 64)) (i32.const 48 (; 0 ;))))
    (i32.store8 (i32.const 25) (i32.const 10))
    (call $print (i32.const 1) (i32.const 24) (i32.const 2)))

  ;; Writes a file in the first mount, which is the workspace.
  (func $write
    (if (call $path_open (i32.const 3) (i32.const 0) @file@ (i32.const 9 (; create, truncate ;))
          (i64.const 64 (; fd_write ;)) (i64.const 0) (i32.const 0) (i32.const 48))
      (then unreachable))
    (i32.store (i32.const 52) (i32.load (i32.const 48)))
    (call $print (i32.load (i32.const 52)) @contents@)
    (if (call $fd_close (i32.load (i32.const 52))) (then unreachable)))

  (func $print (param $fd i32) (param $text i32) (param $length i32)
    (i32.store (i32.const 40) (local.get $text))
    (i32.store (i32.const 44) (local.get $length))
    (if (call $fd_write (local.get $fd) (i32.const 40) (i32.const 1) (i32.const 48)) (then unreachable)))

  (func $up_to_quote (param $text i32) (result i32)
    (local $length i32)
    (loop $next
      (if (i32.ne (i32.load8_u (i32.add (local.get $text) (local.get $length))) (i32.const 34))
        (then
          (local.set $length (i32.add (local.get $length) (i32.const 1)))
          (br $next))))
    (local.get $length))

  ;; Where a text goes on behind the first `wanted` in it; 0 if that is not there.
  (func $behind (param $text i32) (param $length i32) (param $wanted i32) (param $size i32) (result i32)
    (local $end i32) (local $at i32)
    (local.set $end (i32.add (local.get $text) (local.get $length)))
    (loop $next
      (local.set $at (i32.const 0))
      (if (i32.gt_u (i32.add (local.get $text) (local.get $size)) (local.get $end)) (then (return (i32.const 0))))
      (loop $same
        (if (i32.eq (local.get $at) (local.get $size))
          (then (return (i32.add (local.get $text) (local.get $size)))))
        (if (i32.eq
              (i32.load8_u (i32.add (local.get $text) (local.get $at)))
              (i32.load8_u (i32.add (local.get $wanted) (local.get $at))))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $same))))
      (local.set $text (i32.add (local.get $text) (i32.const 1)))
      (br $next))
    (unreachable))
)
