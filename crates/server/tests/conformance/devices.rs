//! Machines that compute, as a server that starts again finds them.

use protocol::{audit::AuditAction, device::DeviceReadings, event::EventBody, id::AgentId};
use server::store::{AuditQuery, KeptDevice, Said, Store};

use super::at;

fn kept(host_id: &str, seq: i64, cpu_util: f64) -> KeptDevice {
    let readings = DeviceReadings { cpu_util: Some(cpu_util), ..DeviceReadings::default() };
    let agents = [(AgentId::fresh(), seq)].into();
    let said = Said { readings, active_jobs: vec!["장기 분할 — CT".to_owned()], agents };
    KeptDevice { host_id: host_id.to_owned(), said, last_ms: seq, seq }
}

pub(crate) async fn a_device_is_kept_as_it_last_spoke(store: Store) {
    assert!(store.devices().await.unwrap().is_empty());
    let (first, other) = (kept("gpu-10", 5, 12.5), kept("gpu-09", 6, 0.0));
    for it in [&first, &other] {
        store.put_device(it).await.unwrap();
    }
    assert_eq!(store.devices().await.unwrap(), [other.clone(), first]);

    let newer = kept("gpu-10", 9, 80.0);
    store.put_device(&newer).await.unwrap();
    // Two writes may overtake each other.
    store.put_device(&kept("gpu-10", 8, 50.0)).await.unwrap();
    store.put_device(&kept("gpu-10", 9, 51.0)).await.unwrap();
    assert_eq!(store.devices().await.unwrap(), [other, newer]);
    assert_eq!(store.last_event_id().await.unwrap(), 0, "heartbeats do not fill the list");
}

pub(crate) async fn a_device_that_is_removed_is_told_of_once_and_may_come_back(store: Store) {
    for it in [kept("gpu-09", 5, 1.0), kept("gpu-10", 6, 1.0)] {
        store.put_device(&it).await.unwrap();
    }
    store.remove_device("gpu-09", 5, 7, &at(70)).await.unwrap();
    let left = store.devices().await.unwrap();
    assert_eq!(left.iter().map(|it| it.host_id.as_str()).collect::<Vec<_>>(), ["gpu-10"]);
    let events = store.events_after(0, None, 10).await.unwrap();
    let [told] = &events[..] else { panic!("one event, not {events:?}") };
    let gone = EventBody::DeviceRemoved { host_id: "gpu-09".to_owned(), seq: 7 };
    assert_eq!((told.event_id, &told.body, told.created_ms), (1, &gone, 70));

    let noted =
        store.audit_entries(AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap();
    let [line] = &noted[..] else { panic!("one line, not {noted:?}") };
    assert_eq!((line.action, &*line.by), (AuditAction::DeviceRemoved, "Kim"));
    assert_eq!((&*line.details["name"], line.created_ms), ("gpu-09", 70));

    let back = kept("gpu-09", 8, 2.0);
    store.put_device(&back).await.unwrap();
    assert_eq!(store.devices().await.unwrap()[0], back);
    store.remove_device("gpu-09", 7, 9, &at(90)).await.unwrap();
    assert_eq!(store.devices().await.unwrap()[0], back, "it spoke since");
}
