//! `Fn::Cidr`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{Fault, Scope};

impl Scope<'_> {
    /// Cuts `count` blocks of `2^cidrBits` addresses from the beginning of a block.
    pub(super) fn cidr(&self, argument: &Value) -> Result<Value, Fault> {
        const RULE: &str = "every Fn::Cidr object requires three parameters, the CIDR block, the number of blocks (1 to 256) and the number of subnet bits";
        let Some([block, count, bits]) = argument.as_array().map(Vec::as_slice) else {
            return Err(Fault::template(RULE));
        };
        let block = self.text(block, RULE)?;
        let number = |value: &Value| self.text(value, RULE)?.trim().parse::<u32>().map_err(|_| Fault::template(RULE));
        let (count, bits) = (number(count)?, number(bits)?);
        if !(1..=256).contains(&count) {
            return Err(Fault::template(RULE));
        }
        let too_small = || {
            Fault::template(format_args!("Fn::Cidr cannot cut {count} blocks with {bits} subnet bits from the block"))
        };
        let (address, prefix) =
            parse(&block).ok_or_else(|| Fault::template("Fn::Cidr: the first parameter is no CIDR block"))?;
        let width: u32 = if address.is_ipv4() { 32 } else { 128 };
        if bits == 0 || bits > width - prefix {
            return Err(too_small());
        }
        let free = width - prefix - bits;
        if free < 32 && u64::from(count) > 1 << free {
            return Err(too_small());
        }
        let first = number_of(address) & mask(width, prefix);
        let blocks = (0..u128::from(count)).map(|index| {
            // `bits` is 128 only for the single block that is the whole space.
            let offset = index.checked_shl(bits).unwrap_or(0);
            let address = first.wrapping_add(offset);
            Value::String(format!("{}/{}", address_of(address, width), width - bits))
        });
        Ok(blocks.collect())
    }
}

fn parse(block: &str) -> Option<(IpAddr, u32)> {
    let (address, prefix) = block.trim().split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let prefix: u32 = prefix.parse().ok()?;
    (prefix <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, prefix))
}

fn number_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn mask(width: u32, prefix: u32) -> u128 {
    u128::MAX.checked_shl(width - prefix).unwrap_or(0)
}

fn address_of(number: u128, width: u32) -> IpAddr {
    match u32::try_from(number) {
        Ok(small) if width == 32 => IpAddr::V4(Ipv4Addr::from(small)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}
