use super::*;

#[test]
fn a_program_brings_its_loader_and_what_its_libraries_need() {
    let program = fs::read("/bin/ls").unwrap();
    let found = closure(&[(Path::new("/bin/ls"), &program)]).unwrap();
    let names: Vec<&str> = found.files.keys().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert!(names.contains(&"libc.so.6"), "{names:?}");
    let loader = needs(&program).unwrap().loader.unwrap();
    assert!(found.files.contains_key(&loader), "{loader}: {names:?}");
    // Once each, though libraries need the loader by its bare name.
    assert_eq!(names.iter().filter(|name| name.starts_with("ld-linux")).count(), 1, "{names:?}");
    for (path, library) in &found.files {
        for needed in needs(library).unwrap().libraries {
            assert!(names.contains(&needed.as_str()), "{path} needs {needed}: {names:?}");
        }
    }
}

#[test]
fn what_is_no_program_is_named() {
    let fault = closure(&[(Path::new("out/heddle"), b"#!/bin/sh\n")]).unwrap_err();
    assert_eq!(fault.to_string(), "out/heddle is no program for Linux on 64 bits");
}
