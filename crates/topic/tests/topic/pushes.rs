//! Which groups are pushed, and how that is told.

use tidegate_engine::testing::Stepper;
use tidegate_engine::{Receivers, Settings};
use tidegate_topic::TOPIC;

#[test]
fn group_is_pushed_to_a_receiver_that_the_settings_name_until_it_is_pulled() {
    let receivers = Receivers(["r".to_owned()].into());
    let mut engine = Stepper::fresh_told(&[TOPIC], Settings::default().with(receivers));
    engine.call("TOPIC.CREATE a");
    engine.call("TOPIC.GROUP a g");
    engine.call("TOPIC.GROUP a f ORDER none");
    assert_eq!(engine.call("TOPIC.PUSH a h r"), "unknown_group");
    assert_eq!(engine.call("TOPIC.PUSH a g nobody"), "unknown_receiver");
    let told = engine.call("TOPIC.PUSH a g r");
    assert!(
        told.starts_with("name=a group=g receiver=r in_flight=16 since_ms="),
        "{told}"
    );
    engine.clock.advance_ms(50);
    assert_eq!(
        engine.call("TOPIC.PUSH a g r"),
        told,
        "the same again changes nothing"
    );
    assert_ne!(engine.call("TOPIC.PUSH a g r INFLIGHT 2"), told);
    engine.call("TOPIC.PUSH a f r");
    let list = engine.call("TOPIC.PUSHES");
    let (f, g) = (
        list.find("group=f order=none"),
        list.find("group=g order=key"),
    );
    assert!(
        f.is_some() && f < g && list.contains("in_flight=2"),
        "{list}"
    );
    for repeated in [false, true] {
        let pulled = format!("name=a group=g repeated={repeated}");
        assert_eq!(engine.call("TOPIC.PULL a g"), pulled);
    }
    engine.call("TOPIC.PULL a f");
    assert!(!engine.call("TOPIC.PUSHES").contains("group="));
}
