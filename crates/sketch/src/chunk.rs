//! One of the 64 parts of a sketch that was split: all whose hash begins with the same six bits.

use crate::coupon::Coupon;
use crate::list;
use crate::part::{self, Malformed};
use crate::registers::Registers;

/// Most coupons of a chunk: as many as have the room of its registers.
pub(crate) const COUPONS_MAX: usize = 48;

/// Coupons as long as they are few, registers from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk(pub(crate) Form);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Coupons(Vec<Coupon>),
    Registers(Registers),
}

impl Default for Chunk {
    fn default() -> Chunk {
        Chunk(Form::Coupons(Vec::new()))
    }
}

impl Chunk {
    /// Puts one in that falls into this chunk. Whether the chunk is another one afterwards, and so to be stored.
    pub fn put(&mut self, coupon: Coupon) -> bool {
        match &mut self.0 {
            Form::Registers(registers) => registers.put(coupon),
            Form::Coupons(coupons) => {
                let changed = list::put(coupons, coupon);
                self.be_no_longer_than_registers();
                changed
            }
        }
    }

    /// Puts all in that the same chunk of another sketch has. Whether it is another one afterwards.
    pub fn merge(&mut self, other: &Chunk) -> bool {
        match (&mut self.0, &other.0) {
            (_, Form::Coupons(coupons)) => coupons
                .iter()
                .fold(false, |changed, coupon| self.put(*coupon) | changed),
            (Form::Registers(registers), Form::Registers(others)) => registers.merge(others),
            (Form::Coupons(coupons), Form::Registers(others)) => {
                let mut registers = Registers::of(coupons);
                registers.merge(others);
                self.0 = Form::Registers(registers);
                true
            }
        }
    }

    /// Whether nobody was put in: such a chunk need not be stored.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Form::Coupons(coupons) if coupons.is_empty())
    }

    /// Its stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Form::Coupons(coupons) => part::of_coupons(coupons),
            Form::Registers(registers) => [&[part::REGISTERS], registers.bytes()].concat(),
        }
    }

    /// The chunk that was stored so.
    pub fn from_bytes(bytes: &[u8]) -> Result<Chunk, Malformed> {
        match bytes.split_first() {
            Some((&part::COUPONS, rest)) => {
                let coupons = part::coupons(rest, COUPONS_MAX)?;
                // In order, so those between are of the same.
                let chunks = [coupons.first(), coupons.last()]
                    .map(|coupon| coupon.map(|coupon| coupon.chunk()));
                match chunks[0] == chunks[1] {
                    true => Ok(Chunk(Form::Coupons(coupons))),
                    false => Err(Malformed::Coupons),
                }
            }
            Some((&part::REGISTERS, rest)) => {
                Ok(Chunk(Form::Registers(Registers::of_bytes(rest)?)))
            }
            Some(_) => Err(Malformed::Form),
            None => Err(Malformed::Length),
        }
    }

    fn be_no_longer_than_registers(&mut self) {
        if let Form::Coupons(coupons) = &self.0
            && coupons.len() > COUPONS_MAX
        {
            self.0 = Form::Registers(Registers::of(coupons));
        }
    }
}
