use super::*;

fn store() -> (tempfile::TempDir, FileLogStore) {
    let dir = tempfile::tempdir().expect("creates");
    let home = Home::open(dir.path()).expect("opens");
    (dir, FileLogStore::new(home))
}

fn line(ms: i64, text: &str) -> LogLine {
    LogLine { time: Timestamp::from_ms(ms), text: text.to_owned() }
}

#[tokio::test]
async fn runner_case_30_lines_have_an_integer_timestamp_and_data() {
    let (_dir, store) = store();
    let log = ObjectKey::new("attini/deployment/logs/runner/dev/site/1/Deploy/e1");
    store.append(&log, &[line(1, "one"), line(2, "tw\"o")]).await.expect("writes");
    let text = fs::read_to_string(store.path(&log)).expect("reads");
    assert_eq!(text, "{\"timestamp\":1,\"data\":\"one\"}\n{\"timestamp\":2,\"data\":\"tw\\\"o\"}\n");
}

#[tokio::test]
async fn a_half_written_line_is_held_back_and_then_replaced() {
    let (_dir, store) = store();
    let log = ObjectKey::new("log");
    store.append(&log, &[line(1, "one")]).await.expect("writes");
    let half = "{\"timestamp\":2,\"da";
    File::options()
        .append(true)
        .open(store.path(&log))
        .and_then(|mut file| file.write_all(half.as_bytes()))
        .expect("writes");
    assert_eq!(store.read(&log, 0).await.expect("reads"), [line(1, "one")]);
    assert_eq!(store.read(&log, 1).await.expect("reads"), []);
    store.append(&log, &[line(3, "three")]).await.expect("writes");
    assert_eq!(store.read(&log, 1).await.expect("reads"), [line(3, "three")]);
    assert_eq!(store.read(&log, 0).await.expect("reads"), [line(1, "one"), line(3, "three")]);
}

#[tokio::test]
async fn a_long_half_line_is_replaced_as_well() {
    let (_dir, store) = store();
    let log = ObjectKey::new("log");
    store.append(&log, &[line(1, "one")]).await.expect("writes");
    let half = "x".repeat(10_000);
    File::options()
        .append(true)
        .open(store.path(&log))
        .and_then(|mut file| file.write_all(half.as_bytes()))
        .expect("writes");
    store.append(&log, &[line(2, "two")]).await.expect("writes");
    assert_eq!(store.read(&log, 0).await.expect("reads"), [line(1, "one"), line(2, "two")]);
}

#[tokio::test]
async fn odd_keys_stay_inside_and_apart() {
    let (dir, store) = store();
    let keys = ["a", "a/b", "a.ndjson/b", "../../x", "a//b", "/a", "a/", "..", "", "a b", "a\u{0}b", "ä", "a%20b"];
    for key in keys {
        store.append(&ObjectKey::new(key), &[line(1, key)]).await.expect("writes");
    }
    for key in keys {
        let log = ObjectKey::new(key);
        assert!(store.path(&log).starts_with(dir.path().join("logs")), "{key}");
        assert_eq!(store.read(&log, 0).await.expect("reads"), [line(1, key)]);
    }
}

#[tokio::test]
async fn a_line_that_is_none_is_told_with_its_place() {
    let (_dir, store) = store();
    let log = ObjectKey::new("log");
    store.append(&log, &[line(1, "one")]).await.expect("writes");
    File::options().append(true).open(store.path(&log)).and_then(|mut file| file.write_all(b"x\n")).expect("writes");
    let error = store.read(&log, 0).await.expect_err("is broken");
    assert!(error.source.to_string().contains("log.ndjson line 2"), "{}", error.source);
}
