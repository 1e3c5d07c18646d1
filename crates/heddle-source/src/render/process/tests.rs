use std::net::TcpListener;

use super::{super::until::Stop, *};

fn shell(script: &str, limit: Duration) -> Result<Vec<u8>, ProcessFault> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    run(command, None, limit, &Until::default(), &Slots::default())
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn what_it_writes_is_given_and_its_complaint_shows_itself_to_nobody() {
    assert_eq!(shell("echo a", LONG).unwrap(), b"a\n");
    let failed = shell("echo hunter2 >&2; exit 3", LONG).unwrap_err();
    assert!(!format!("{failed} {failed:?}").contains("hunter2"));
    let ProcessFault::Failed(complaint) = failed else { panic!("{failed:?}") };
    assert_eq!(complaint.0, "hunter2\n");
    let missing = run(Command::new("/nowhere"), None, LONG, &Until::default(), &Slots::default());
    assert!(matches!(missing, Err(ProcessFault::NotRun(_))), "{missing:?}");
}

#[test]
fn what_it_is_to_read_is_given_whole_and_need_not_be_read() {
    let input = vec![b'a'; 1 << 20];
    let with_input =
        |program: &str| run(Command::new(program), Some(&input), LONG, &Until::default(), &Slots::default()).unwrap();
    assert!(with_input("/bin/cat") == input);
    assert_eq!(with_input("/bin/true"), b"");
}

#[test]
fn it_ends_when_it_goes_over_a_bound() {
    assert!(matches!(shell("exec sleep 60", Duration::from_millis(50)), Err(ProcessFault::TooSlow(_))));
    let endless = shell("exec cat /dev/zero", LONG);
    assert!(matches!(endless, Err(ProcessFault::TooMuchOutput)), "{:?}", endless.map(|output| output.len()));
    let large = shell("exec tail -n 1 /dev/zero", LONG);
    assert!(matches!(large, Err(ProcessFault::TooMuchMemory)), "{large:?}");
}

#[test]
fn it_ends_with_the_time_of_its_path_and_when_it_is_stopped_and_waits_no_longer_for_its_turn() {
    let sleep = |until: &Until, slots: &Slots| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 60"]);
        run(command, None, LONG, until, slots)
    };
    let (stop, slots) = (Stop::default(), Slots::default());
    let late = Until::within(Duration::from_millis(50), &stop);
    assert!(matches!(sleep(&late, &slots), Err(ProcessFault::Ended)));
    let until = Until::within(LONG, &stop);
    let held: Vec<_> = (0..MAX_CHILDREN).map(|_| slots.take(&until).unwrap()).collect();
    thread::scope(|scope| {
        let running = scope.spawn(|| sleep(&until, &Slots::default()));
        let waiting = scope.spawn(|| sleep(&until, &slots));
        drop(stop.on_drop());
        assert!(matches!(running.join().unwrap(), Err(ProcessFault::Ended)));
        assert!(matches!(waiting.join().unwrap(), Err(ProcessFault::Ended)));
    });
    drop(held);
}

#[test]
fn it_gets_no_socket_and_whoever_runs_it_keeps_theirs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    let bash = |script: &str| {
        let mut command = Command::new("bash");
        command.args(["-c", script]);
        command
    };
    assert!(bash(&script).output().unwrap().status.success(), "without the filter it connects");
    listener.accept().unwrap();
    listener.set_nonblocking(true).unwrap();

    let refused = run(bash(&script), None, LONG, &Until::default(), &Slots::default());

    let Err(ProcessFault::Failed(complaint)) = refused else { panic!("{refused:?}") };
    assert!(complaint.0.contains("Permission denied"), "{}", complaint.0);
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
}

#[test]
fn few_run_at_once() {
    let slots = Slots::default();
    let (running, most) = (Mutex::new(0), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let _slot = slots.take(&Until::default()).unwrap();
                let now = {
                    let mut running = running.lock().unwrap();
                    *running += 1;
                    *running
                };
                let mut seen = most.lock().unwrap();
                *seen = (*seen).max(now);
                drop(seen);
                thread::yield_now();
                *running.lock().unwrap() -= 1;
            });
        }
    });
    assert!((1..=MAX_CHILDREN).contains(&*most.lock().unwrap()));
}
