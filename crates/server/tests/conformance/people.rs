//! People and what opens the server.

use protocol::{
    access::{AccountChange, Credential, CredentialKind, Role},
    id::{PersonId, Sha256},
};
use server::store::{NewCredential, NewPerson, Store, StoreError};

use super::at;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn digest(n: u8) -> Sha256 {
    Sha256::from_digest([n; 32])
}

fn someone(name: &str) -> NewPerson {
    NewPerson { name: name.to_owned(), password: "kept".to_owned() }
}

fn new(kind: CredentialKind, n: u8) -> NewCredential {
    let (name, role) = (format!("number {n}"), Role::Viewer);
    NewCredential { kind, digest: digest(n), name, role, person_id: None, expires_ms: None }
}

async fn made(store: &Store, new: NewCredential) -> Credential {
    store.add_credential(&new, &at(1)).await.unwrap()
}

/// Names of what opens anything, the newest first.
async fn open(store: &Store, now_ms: i64) -> Vec<String> {
    let open = store.credentials(None, now_ms).await.unwrap();
    open.into_iter().map(|it| it.name).collect()
}

pub(crate) async fn the_first_person_and_the_last_admin_are_admins(store: Store) {
    let refused = store.add_person(&someone("Vera"), Role::Viewer, &at(1)).await;
    assert!(matches!(refused, Err(StoreError::NoAdmin)));
    assert!(!store.has_people().await.unwrap());
    let ada = store.add_person(&someone("Ada"), Role::Admin, &at(2)).await.unwrap();
    assert!(store.has_people().await.unwrap());
    let vera = store.add_person(&someone("Vera"), Role::Viewer, &at(3)).await.unwrap();
    let taken = store.add_person(&someone(" VERA"), Role::Viewer, &at(4)).await;
    assert!(matches!(taken, Err(StoreError::PersonNameTaken { name }) if name == "VERA"));

    let shut_out = AccountChange { role: None, disabled: Some(true) };
    let lowered = AccountChange { role: Some(Role::Reviewer), disabled: None };
    for change in [&shut_out, &lowered] {
        let refused = store.change_person(ada.person_id, change, &at(5)).await;
        assert!(matches!(refused, Err(StoreError::NoAdmin)));
    }
    let refused = store.remove_person(ada.person_id, &at(5)).await;
    assert!(matches!(refused, Err(StoreError::NoAdmin)));
    let raised = AccountChange { role: Some(Role::Admin), disabled: None };
    store.change_person(vera.person_id, &raised, &at(6)).await.unwrap();
    store.change_person(ada.person_id, &shut_out, &at(7)).await.unwrap();
    let people = store.people().await.unwrap();
    let said: Vec<_> = people.iter().map(|it| (it.name.as_str(), it.role, it.disabled)).collect();
    assert_eq!(said, [("Ada", Role::Admin, true), ("Vera", Role::Admin, false)]);
    store.remove_person(ada.person_id, &at(8)).await.unwrap();
    let gone = store.remove_person(ada.person_id, &at(9)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "person", .. })));
}

pub(crate) async fn of_many_admins_who_resign_at_once_one_stays(store: Store) {
    let mut resigning = Vec::new();
    for n in 0..6 {
        let name = format!("Admin {n}");
        let it = store.add_person(&someone(&name), Role::Admin, &at(1)).await.unwrap();
        let store = store.clone();
        let change = AccountChange { role: Some(Role::Viewer), disabled: None };
        resigning.push(async move { store.change_person(it.person_id, &change, &at(2)).await });
    }
    let tasks: Vec<_> = resigning.into_iter().map(tokio::spawn).collect();
    let mut n_refused = 0;
    for it in tasks {
        match it.await.unwrap() {
            Ok(_) => {}
            Err(StoreError::NoAdmin) => n_refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(n_refused, 1);
}

pub(crate) async fn what_was_revoked_or_has_run_out_opens_nothing(store: Store) {
    let ada = store.add_person(&someone("Ada"), Role::Admin, &at(1)).await.unwrap();
    let max = store.add_person(&someone("Max"), Role::Annotator, &at(1)).await.unwrap();
    let token = CredentialKind::Token;
    let first = made(&store, new(token, 1)).await;
    made(&store, NewCredential { expires_ms: Some(100), ..new(token, 2) }).await;
    let of_max =
        NewCredential { person_id: Some(max.person_id), role: Role::Admin, ..new(token, 3) };
    let of_max = made(&store, of_max).await;
    let session = NewCredential {
        kind: CredentialKind::Session,
        person_id: Some(ada.person_id),
        ..new(token, 4)
    };
    made(&store, session).await;
    let all = ["number 4", "number 3", "number 2", "number 1"];
    assert_eq!(open(&store, 99).await, all);
    // A person's program may do at most what the person may.
    let listed = store.credentials(Some(max.person_id), 99).await.unwrap();
    assert_eq!((listed.len(), listed[0].role), (1, Role::Annotator));

    assert_eq!(open(&store, 100).await, ["number 4", "number 3", "number 1"]);
    assert_eq!(open(&store, 30 * DAY_MS + 2).await, ["number 3", "number 1"]);
    let not_his = store.revoke(first.credential_id, Some(max.person_id), &at(50)).await;
    assert!(matches!(not_his, Err(StoreError::NotFound { what: "credential", .. })));
    store.revoke(first.credential_id, None, &at(50)).await.unwrap();
    let again = store.revoke(first.credential_id, None, &at(51)).await;
    assert!(matches!(again, Err(StoreError::NotFound { .. })));
    let shut_out = AccountChange { role: None, disabled: Some(true) };
    store.change_person(max.person_id, &shut_out, &at(52)).await.unwrap();
    assert_eq!(open(&store, 60).await, ["number 4", "number 2"]);
    store.remove_person(max.person_id, &at(53)).await.unwrap();
    let gone = store.revoke(of_max.credential_id, None, &at(54)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    let nobody = NewCredential { person_id: Some(PersonId::fresh()), ..new(token, 9) };
    let refused = store.add_credential(&nobody, &at(55)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "person", .. })));
}

pub(crate) async fn of_many_who_use_a_join_token_one_gets_in(store: Store) {
    made(&store, NewCredential { name: "spare".to_owned(), ..new(CredentialKind::Join, 1) }).await;
    let tasks: Vec<_> = (10..18)
        .map(|n| {
            let store = store.clone();
            let nameless = NewCredential { name: String::new(), ..new(CredentialKind::Agent, n) };
            tokio::spawn(async move { store.enrol(&digest(1), &nameless, 5).await })
        })
        .collect();
    let mut enrolled = Vec::new();
    for it in tasks {
        match it.await.unwrap() {
            Ok(it) => enrolled.push(it.name),
            Err(StoreError::UsedUp { kind: CredentialKind::Join }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(enrolled, ["spare"]);
    // No other kind, and nothing that has run out, stands for one.
    made(&store, new(CredentialKind::Invite, 2)).await;
    made(&store, NewCredential { expires_ms: Some(5), ..new(CredentialKind::Join, 3) }).await;
    for n in [2, 3, 77] {
        let refused = store.enrol(&digest(n), &new(CredentialKind::Agent, 20 + n), 5).await;
        assert!(matches!(refused, Err(StoreError::UsedUp { .. })));
    }
}

pub(crate) async fn an_invitation_is_taken_up_once_and_not_in_vain(store: Store) {
    let invite = |n, role| NewCredential { role, ..new(CredentialKind::Invite, n) };
    made(&store, invite(1, Role::Viewer)).await;
    let refused = store.accept_invite(&digest(1), &someone("Vera"), 5).await;
    assert!(matches!(refused, Err(StoreError::NoAdmin)));
    made(&store, invite(2, Role::Admin)).await;
    store.accept_invite(&digest(2), &someone("Ada"), 6).await.unwrap();
    // A name that is taken leaves the invitation as it was.
    let taken = store.accept_invite(&digest(1), &someone("ada"), 7).await;
    assert!(matches!(taken, Err(StoreError::PersonNameTaken { .. })));
    let vera = store.accept_invite(&digest(1), &someone("Vera"), 8).await.unwrap();
    assert_eq!(vera.role, Role::Viewer);
    let again = store.accept_invite(&digest(1), &someone("Berta"), 9).await;
    assert!(matches!(again, Err(StoreError::UsedUp { kind: CredentialKind::Invite })));

    // For a new password: what she was signed in with ends, her tokens go on.
    let of_vera = |kind, n| NewCredential { person_id: Some(vera.person_id), ..new(kind, n) };
    made(&store, of_vera(CredentialKind::Session, 3)).await;
    made(&store, of_vera(CredentialKind::Token, 4)).await;
    made(&store, of_vera(CredentialKind::Invite, 5)).await;
    let same = store.accept_invite(&digest(5), &someone("not used"), 10).await.unwrap();
    assert_eq!((same.person_id, same.name), (vera.person_id, vera.name));
    assert_eq!(open(&store, 11).await, ["number 4"]);
}
