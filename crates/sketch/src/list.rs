//! Coupons of different places in ascending order.

use crate::coupon::Coupon;

/// Whether the list is another one afterwards.
pub(crate) fn put(list: &mut Vec<Coupon>, coupon: Coupon) -> bool {
    match list.binary_search_by_key(&coupon.place(), |kept| kept.place()) {
        Ok(at) => {
            let rarer = coupon > list[at];
            list[at] = list[at].max(coupon);
            rarer
        }
        Err(at) => {
            list.insert(at, coupon);
            true
        }
    }
}
