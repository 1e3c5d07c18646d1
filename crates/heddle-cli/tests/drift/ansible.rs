//! With ansible-core: everything with the oldest and with the newest.

use std::{fs, path::Path};

use crate::{Ended, Place, example, shows, tool};

const SITE: &str = r#"
- name: The house
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the note
      ansible.builtin.copy:
        dest: "{{ house }}/motd"
        content: "welcome\nto the red house\n"
        mode: "0644"
    - name: Make the room
      ansible.builtin.file: {path: "{{ house }}/room", state: directory, mode: "0755"}
"#;

const SECRETS: &str = r#"
- name: The doors
  hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_vars: late.yml
    - ansible.builtin.include_role: {name: door}
    - name: Not logged
      ansible.builtin.copy: {dest: "{{ house }}/quiet", content: hunter-unlogged, mode: "0600"}
      no_log: true
    - name: Not compared
      ansible.builtin.copy: {dest: "{{ house }}/still", content: hunter-uncompared, mode: "0600"}
      diff: false
"#;

const DOOR: &str = r#"
- name: Lock
  ansible.builtin.copy:
    dest: "{{ house }}/door"
    content: "{{ group_door }} {{ role_door }} {{ late_door }} {{ extra_door | b64encode }} {{ inline_door }}"
    mode: "0600"
- name: Key
  ansible.builtin.copy: {src: key, dest: "{{ house }}/key", mode: "0600"}
- name: Complain
  ansible.builtin.fail: {msg: "no {{ role_door }} {{ inline_door }}"}
  ignore_errors: true
"#;

struct House {
    place: Place,
    playbook: String,
}

impl House {
    fn new(ansible: &Path) -> Self {
        let place = Place::new();
        fs::create_dir_all(place.at("house")).unwrap();
        fs::create_dir_all(place.at("home")).unwrap();
        let home = "home ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'";
        place.write("hosts", &format!("{home} house={}\n", place.at("house").display()));
        place.write("site.yml", SITE);
        Self { place, playbook: ansible.to_str().unwrap().to_owned() }
    }

    fn diff(&self, arguments: &[&str]) -> Ended {
        self.place.heddle(&[&["diff", "ansible", "-i", "hosts", "--program", &self.playbook], arguments].concat())
    }

    fn play(&self, playbook: &str) {
        let ended = self.place.run(&self.playbook, &["-i", "hosts", playbook]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }

    /// Encrypts a file in its place.
    fn lock(&self, file: &str, text: &str) {
        self.place.write(file, text);
        self.place.write("password", "of the vault\n");
        let vault = Path::new(&self.playbook).with_file_name("ansible-vault");
        let ended = self.place.run(vault, &["encrypt", "--vault-password-file", "password", file]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

fn each(case: impl Fn(House)) {
    for ansible in ["HEDDLE_ANSIBLE_OLDEST", "HEDDLE_ANSIBLE_NEWEST"] {
        case(House::new(&tool(ansible)));
    }
}

#[test]
fn a_house_is_the_same_drifted_and_changed() {
    each(|house| {
        let ended = house.diff(&["site.yml", "-o", "json"]);
        assert_eq!((ended.code, &ended.json()["complete"]), (1, &true.into()), "{ended:?}");
        assert_eq!(ended.json()["changes"].as_array().unwrap().len(), 2, "{ended:?}");
        assert!(!house.place.at("house/motd").exists(), "nothing is written");

        house.play("site.yml");
        let ended = house.diff(&["site.yml"]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));

        house.place.write("house/motd", "somebody was here\n");
        let ended = house.diff(&["site.yml"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        let page = example("playbook");
        assert_eq!(page[0], "$ heddle diff ansible site.yml -i hosts");
        shows(&page[1..], &ended.stdout);

        house.play("site.yml");
        house.place.write("site.yml", &SITE.replace("0755", "0700"));
        let ended = house.diff(&["site.yml"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(
            ended.stdout.contains("home: Make the room would change\n  mode\n    - \"0755\"\n    + \"0700\"\n"),
            "{ended:?}"
        );
    });
}

#[test]
fn nothing_of_a_vault_is_told() {
    each(|house| {
        house.place.write("site.yml", SECRETS);
        house.place.write("roles/door/tasks/main.yml", DOOR);
        house.lock("group_vars/all/door.yml", "group_door: hunter-group\n");
        house.lock("roles/door/vars/main.yml", "role_door: hunter-role\n");
        house.lock("late.yml", "late_door: hunter-late\n");
        house.lock("extra.yml", "extra_door: hunter-extra\n");
        house.lock("roles/door/files/key", "hunter-key-1\nhunter-key-2\n");
        house.lock("inline", "hunter-inline");
        let inline = house.place.read("inline").replace('\n', "\n  ");
        house.place.write("group_vars/all/inline.yml", &format!("inline_door: !vault |\n  {inline}\n"));
        let vault = ["site.yml", "--vault-password-file", "password", "-e", "@extra.yml"];
        let ended = house.diff(&vault);
        assert_eq!(ended.code, 1, "{ended:?}");
        // `heddle` was held against the planted texts already; in base64 they look otherwise.
        assert!(!ended.stdout.contains("aHVudGVyLWV4dHJh"), "{ended:?}");
        let lock = ended.stdout.lines().find(|line| line.contains("<secret ")).unwrap();
        assert_eq!(lock.matches("<secret ").count(), 5, "{ended:?}");
        for part in [
            "Key would change",
            "Not logged would change (hidden: no_log)",
            "Not compared would change (hidden: diff: false)",
        ] {
            assert!(ended.stdout.contains(part), "{part} in {ended:?}");
        }
        assert!(
            ended.stderr.contains("Complain cannot be checked: it failed, which is ignored: no <secret "),
            "{ended:?}"
        );
    });
}

/// In whatever form a template writes it. The value has all letters that one form or another writes otherwise.
#[test]
fn nothing_of_a_vault_is_told_in_another_form_either() {
    const VALUE: &str = r#"hunter & "gate"/<7>'s \\ key+one"#;
    let forms = [
        "{{ door | urlencode }}",
        "{{ door | urlencode | lower }}",
        "{{ door | e }}",
        "{{ door | to_json }}",
        "{{ door | to_json | to_json }}",
        "{{ door | quote }}",
        "{{ door | regex_escape }}",
        "{{ ('user:' ~ door) | b64encode }}",
        "{{ ('us:' ~ door ~ ':more') | b64encode }}",
        "{{ (door | to_json | b64encode | b64encode) }}",
        "{{ ({'auth': ('u:' ~ door) | b64encode} | to_json) | b64encode }}",
        "https://u:{{ door | urlencode | replace('/', '%2F') }}@host",
        "{{ (door | urlencode) | b64encode }}",
        "{{ ('x' * 90 ~ door) | b64encode | wordwrap(76) }}",
    ];
    each(|house| {
        let vault = ["site.yml", "--vault-password-file", "password"];
        // A value within another one hides none of its forms.
        house.lock("group_vars/all/door.yml", &format!("door: {}\nword: gate\n", serde_json::json!(VALUE)));
        for form in forms {
            let content = serde_json::json!(format!("before\n{form}\nafter\n"));
            let site = format!(
                "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Write\n      ansible.builtin.copy:\n        dest: \"{{{{ house }}}}/x\"\n        content: {content}\n",
            );
            house.place.write("site.yml", &site);
            let ended = house.diff(&vault);
            assert_eq!(ended.code, 1, "{form}: {ended:?}");
            let told = &ended.stdout;
            assert!(
                told.contains("<secret ") && told.contains("+ before") && told.contains("+ after"),
                "{form}: {told}"
            );
            for part in ["gate", "key", "7%3", "Z2F0ZS", "dhdGUi", "nYXRl"] {
                assert!(!told.contains(part), "{form} tells {part}: {told}");
            }
        }
        // What stands there may be the value of before, which no vault holds any more: both sides are hidden.
        let content = r#"before\n{{ door }}\nafter\n"#;
        let site = format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Write\n      ansible.builtin.copy:\n        dest: \"{{{{ house }}}}/x\"\n        content: \"{content}\"\n",
        );
        house.place.write("site.yml", &site);
        house.place.write("house/x", "before\nthe former word\nafter\n");
        let ended = house.diff(&vault);
        assert_eq!((ended.code, ended.stdout.matches("<secret ").count()), (1, 2), "{ended:?}");
        assert!(!ended.stdout.contains("former") && !ended.stdout.contains("before"), "{ended:?}");
        fs::remove_file(house.place.at("house/x")).unwrap();
        // What is no secret stays readable, whatever it looks like.
        let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Write\n      ansible.builtin.copy:\n        dest: \"{{ house }}/x\"\n        content: \"a%20b &amp; c\\nUXVpZXRseSBub3RoaW5n\\n\"\n";
        house.place.write("site.yml", site);
        let ended = house.diff(&vault);
        assert!(ended.stdout.contains("+ a%20b &amp; c\n    + UXVpZXRseSBub3RoaW5n"), "{ended:?}");
    });
}

#[test]
fn what_would_really_run_is_refused_before_it_does() {
    let runs = "- name: Run\n  ansible.builtin.command: touch ran\n  check_mode: false\n";
    let playbook = |tasks: &str| format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    let indented = format!("    {}", runs.replace('\n', "\n    "));
    each(|house| {
        house.place.write("tasks.yml", runs);
        house.place.write("roles/r/tasks/main.yml", runs);
        house.place.write("quiet.yml", "- ansible.builtin.debug: {}\n");
        house.place.write("outer.yml", "- ansible.builtin.include_role: {name: r}\n");
        house.place.write("roles/dependent/tasks/main.yml", "- ansible.builtin.debug: {}\n");
        house.place.write("roles/dependent/meta/main.yml", "dependencies: [r]\n");
        for (what, tasks) in [
            ("static", indented.as_str()),
            ("templated", &indented.replace("check_mode: false", "check_mode: \"{{ x | default(false) }}\"")),
            ("included", "    - ansible.builtin.include_tasks: tasks.yml\n"),
            ("imported", "    - ansible.builtin.import_tasks: tasks.yml\n"),
            ("a role", "    - ansible.builtin.include_role: {name: r}\n"),
            ("only known at run time", "    - ansible.builtin.include_tasks: \"{{ x | default('tasks') }}.yml\"\n"),
            (
                "in a loop over fixed names",
                "    - ansible.builtin.include_tasks: \"{{ item }}.yml\"\n      loop: [tasks]\n",
            ),
            (
                "by what an include applies",
                "    - name: Run\n      ansible.builtin.include_tasks: {file: quiet.yml, apply: {check_mode: false}}\n",
            ),
            ("a role of an included file", "    - ansible.builtin.include_tasks: outer.yml\n"),
            ("what a role depends on", "    - ansible.builtin.include_role: {name: dependent}\n"),
            (
                "a role only known at run time",
                "    - ansible.builtin.include_role: {name: \"{{ x | default('r') }}\"}\n",
            ),
        ] {
            house.place.write("runs.yml", &playbook(tasks));
            let ended = house.diff(&["runs.yml"]);
            assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{what}: {ended:?}");
            assert!(ended.stderr.contains("would really run") && ended.stderr.contains("Run`"), "{what}: {ended:?}");
            assert!(!house.place.at("ran").exists(), "{what} ran");
        }
        house.place.write("runs.yml", &playbook(&indented));
        let ended = house.diff(&["runs.yml", "--allow-running", "Run"]);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(house.place.at("ran").exists());
    });
}

#[test]
fn what_was_not_looked_at_is_never_the_same() {
    each(|house| {
        house.play("site.yml");
        let hosts = house.place.read("hosts");
        house.place.write("hosts", &format!("{hosts}away ansible_host=127.0.0.1 ansible_port=1 house=/nowhere\n"));
        let ended = house.diff(&["site.yml", "-o", "json"]);
        assert_eq!((ended.code, &ended.json()["unreachable"][0]["host"]), (2, &"away".into()), "{ended:?}");
        let ended = house.diff(&["site.yml", "--limit", "home"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended:?}");
        house.place.write("hosts", &hosts);

        for (tasks, words) in [
            (
                "    - name: Ring\n      ansible.builtin.command: echo ring\n",
                "Ring cannot be checked: Command would have run",
            ),
            (
                "    - name: Ring\n      ansible.builtin.shell: echo ring\n",
                "Ring cannot be checked: Command would have run",
            ),
            ("    - name: Ring\n      ansible.builtin.raw: echo ring\n", "Ring cannot be checked"),
            (
                "    - name: Ring\n      ansible.builtin.debug: {}\n      when: not ansible_check_mode\n",
                "Ring cannot be checked: its condition leaves it out of check mode",
            ),
            ("    - name: Ring\n      ansible.builtin.fail: {msg: no bell}\n", "Ring failed: no bell"),
            (
                "    - name: Leave\n      ansible.builtin.meta: end_play\n      when: ansible_check_mode\n",
                "`meta: end_play` leaves out what comes after it",
            ),
            (
                "    - name: Leave\n      ansible.builtin.meta: end_host\n      when: inventory_hostname == 'home'\n",
                "home: Leave cannot be checked: `meta: end_host` leaves out what comes after it",
            ),
            (
                "    - name: Ring\n      ansible.builtin.file: {path: /nowhere/at/all, state: file}\n      failed_when: false\n",
                "Ring cannot be checked: it failed, and `failed_when` lets that pass",
            ),
            (
                "    - name: Ring\n      vars: {really: \"{{ not dry }}\", dry: \"{{ ansible_check_mode }}\"}\n\
                 \x20     ansible.builtin.debug: {}\n      when: really\n",
                "Ring cannot be checked: its condition leaves it out of check mode",
            ),
            (
                "    - ansible.builtin.set_fact: {really: \"{{ not ansible_check_mode }}\"}\n    - name: Ring\n\
                 \x20     ansible.builtin.debug: {}\n      when: really | bool\n",
                "Ring cannot be checked: its condition leaves it out of check mode",
            ),
            (
                "    - name: Ring\n      ansible.builtin.debug: {}\n\
                 \x20     loop: \"{{ [] if ansible_check_mode else [1, 2] }}\"\n",
                "Ring cannot be checked: its condition leaves it out of check mode",
            ),
            (
                "    - name: Ring\n      ansible.builtin.file: {path: \"{{ '/' if ansible_check_mode else '/nowhere' }}\"}\n",
                "Ring cannot be checked: what it does hangs on whether it is a check",
            ),
            (
                "    - name: Ring\n      ansible.builtin.copy: {content: a, dest: \"{{ house }}/bell\"}\n      changed_when: false\n",
                "Ring cannot be checked: it would change something, which `changed_when` does not count",
            ),
            (
                "    - name: Ring\n      ansible.builtin.copy: {content: a, dest: \"{{ house }}/{{ item }}\"}\n\
                 \x20     changed_when: false\n      loop: [bell]\n",
                "Ring cannot be checked: it would change something, which `changed_when` does not count",
            ),
            (
                "    - name: Ring\n      ansible.builtin.file: {path: /nowhere/at/all, state: file}\n\
                 \x20     failed_when: false\n      loop: [bell]\n",
                "Ring cannot be checked: it failed, and `failed_when` lets that pass",
            ),
            (
                "    - name: Ring\n      ansible.builtin.file: {path: \"{{ house }}\", state: directory}\n\
                 \x20     changed_when: not ansible_check_mode\n",
                "Ring cannot be checked: what counts as a change hangs on whether it is a check",
            ),
            (
                "    - name: Ring\n      ansible.builtin.copy: {content: a, dest: \"{{ house }}/bell\"}\n\
                 \x20     changed_when: false\n      no_log: true\n",
                "Ring cannot be checked: `no_log` hides whether it would change something or failed",
            ),
            (
                "    - name: Ring\n      ansible.builtin.file: {path: /nowhere/at/all, state: file}\n\
                 \x20     failed_when: false\n      no_log: true\n",
                "Ring cannot be checked: `no_log` hides whether it would change something or failed",
            ),
        ] {
            house.place.write("rings.yml", &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
            let ended = house.diff(&["rings.yml"]);
            assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{tasks}: {ended:?}");
            assert!(ended.stderr.contains(words), "{tasks}: {ended:?}");
        }
        // A condition that says nothing of check mode, and a `meta` that is not taken, hide nothing.
        let tasks = "    - ansible.builtin.meta: end_play\n      when: house == 'another'\n    - ansible.builtin.debug: {}\n      when: house == 'another'\n";
        house.place.write("rings.yml", &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
        let ended = house.diff(&["rings.yml"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
        // A command that only reads says `changed_when: false`, as everybody writes it.
        let tasks = "    - name: Read\n      ansible.builtin.command: uptime\n      check_mode: false\n      changed_when: false\n";
        house.place.write("rings.yml", &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
        let ended = house.diff(&["rings.yml", "--allow-running", "Read"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
        // What is counted is a change, and nothing else is said of it.
        let tasks = "    - name: Ring\n      ansible.builtin.copy: {content: a, dest: \"{{ house }}/bell\"}\n      changed_when: true\n";
        house.place.write("rings.yml", &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"));
        let ended = house.diff(&["rings.yml"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (1, ""), "{ended:?}");
        house.place.write("rings.yml", "- hosts: nobody\n  gather_facts: false\n  tasks: []\n");
        let ended = house.diff(&["rings.yml"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        house.place.write("rings.yml", "- hosts: all\n  tasks: [{no_such_module_at_all: {}}]\n");
        let ended = house.diff(&["rings.yml"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    });
}

/// What we note of a task to judge it is in nothing that the playbook makes of its result.
#[test]
fn what_a_task_registers_is_ansibles_alone() {
    let playbook = |content: &str| {
        let copy = |name: &str, content: &str| {
            format!("ansible.builtin.copy: {{dest: \"{{{{ house }}}}/{name}\", content: {content}}}")
        };
        format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - {}\n      register: one\n    - {}\n      loop: [a, b]\n      \
             register: all_of_them\n    - {}\n",
            copy("one", "x"),
            copy("{{ item }}", "x"),
            copy("told", content),
        )
    };
    each(|house| {
        house.place.write("told.yml", &playbook("\"{{ one | to_json }}{{ all_of_them | to_json }}\""));
        let ended = house.diff(&["told.yml"]);
        assert!(ended.code == 1 && ended.stdout.contains("All items completed"), "{ended:?}");
        assert!(!ended.stdout.contains("heddle_"), "{ended:?}");
    });
}

#[test]
fn a_playbook_that_does_not_end_is_ended() {
    each(|house| {
        let waits = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.wait_for: {path: /nowhere, timeout: 600}\n\
                     \x20     check_mode: false\n      name: Wait\n";
        house.place.write("waits.yml", waits);
        let ended = house.diff(&["waits.yml", "--allow-running", "Wait", "--time-limit", "10s"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains("took longer than 10 s and was ended"), "{ended:?}");
    });
}
