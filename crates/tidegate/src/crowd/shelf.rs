//! The goods of a sale, as the page shows them, and what people like of them.

use std::rc::Rc;

use tidegate_engine::Random;

use super::answer::Good;
use super::dice::fraction;

/// How steep the popularity of goods falls: 0 would be none, 1 is that of words (Zipf).
const STEEPNESS: f64 = 0.9;

/// What there is to buy. The first good is liked most.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    goods: Vec<Good>,
}

impl Shelf {
    pub(super) fn of(goods: Vec<Good>) -> Self {
        Self { goods }
    }

    /// Units that nobody holds, as far as the page knows.
    pub(super) fn available(&self) -> u64 {
        self.goods.iter().filter_map(|good| good.available).sum()
    }

    /// The page was loaded again.
    pub(super) fn refresh(&mut self, goods: Vec<Good>) {
        self.goods = goods;
    }

    /// Somebody was told that nothing of it is left: the page shows it.
    pub(super) fn sold_out(&mut self, sku: &str) {
        if let Some(good) = self.goods.iter_mut().find(|good| &*good.sku == sku) {
            good.available = Some(0);
        }
    }

    /// What somebody wants of what there is.
    pub(super) fn choose(&self, random: &mut Random) -> Option<Rc<str>> {
        let mut left = fraction(random) * self.liked().map(|(_, weight)| weight).sum::<f64>();
        let mut chosen = None;
        for (good, weight) in self.liked() {
            chosen = Some(Rc::clone(&good.sku));
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        chosen
    }

    /// Any good, whether it is there or not.
    pub(super) fn any(&self, random: &mut Random) -> Option<Rc<str>> {
        let place = usize::try_from(random.below(self.goods.len() as u64)).ok()?;
        self.goods.get(place).map(|good| Rc::clone(&good.sku))
    }

    fn liked(&self) -> impl Iterator<Item = (&Good, f64)> {
        let ranked = self.goods.iter().enumerate();
        ranked
            .filter(|(_, good)| good.available > Some(0))
            .map(|(rank, good)| (good, ((rank + 1) as f64).powf(-STEEPNESS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(available: [u64; 4]) -> Shelf {
        let good = |(name, available)| Good {
            sku: format!("{name}").into(),
            available: Some(available),
        };
        Shelf::of(('A'..).zip(available).map(good).collect())
    }

    fn chosen(shelf: &Shelf) -> [usize; 4] {
        let mut random = Random::new(3);
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            if let Some(sku) = shelf.choose(&mut random) {
                counts[usize::from(sku.as_bytes()[0] - b'A')] += 1;
            }
        }
        counts
    }

    #[test]
    fn first_goods_are_chosen_most_and_none_that_is_sold_out() {
        let [a, b, c, d] = chosen(&shelf([5, 5, 5, 5]));
        assert!(a > b && b > c && c > d && d > 1_000, "{a} {b} {c} {d}");
        let mut shelf = shelf([5, 5, 0, 5]);
        shelf.sold_out("A");
        let [a, b, c, d] = chosen(&shelf);
        assert!(a == 0 && c == 0 && b > d && d > 0, "{a} {b} {c} {d}");
    }

    #[test]
    fn of_an_empty_shelf_nothing_is_chosen() {
        assert_eq!(chosen(&shelf([0; 4])), [0; 4]);
        assert_eq!(Shelf::default().any(&mut Random::new(1)), None);
    }
}
