//! What a template finds while it renders: its names, in scopes; and what it has used up of its bounds.
//!
//! What is not there is nothing, and renders as nothing, as in other Liquids: `{{ form.values.nickname }}`.

use liquid_core::error::{Error, Result};
use liquid_core::model::{
    KString, KStringCow, KStringRef, Object, ObjectView as _, ScalarCow, Value, ValueCow,
    ValueView as _, try_find,
};
use liquid_core::runtime::{PartialStore, Registers, Runtime};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The outermost scope: what a page is rendered with, and what it assigns.
pub(super) struct Globals<'a> {
    globals: &'a Object,
    partials: &'a dyn PartialStore,
    assigned: RefCell<Object>,
    indexes: RefCell<Object>,
    registers: Registers,
}

/// A scope within another: of a loop, or of an included partial.
pub(super) struct Scope<'a> {
    parent: &'a dyn Runtime,
    names: Vec<(KString, ValueCow<'a>)>,
    /// What is assigned within: nothing leaves it, and nothing else is seen from it.
    closed: Option<RefCell<Object>>,
}

impl<'a> Globals<'a> {
    pub(super) fn new(globals: &'a Object, partials: &'a dyn PartialStore) -> Self {
        Self {
            globals,
            partials,
            assigned: RefCell::default(),
            indexes: RefCell::default(),
            registers: Registers::default(),
        }
    }
}

impl<'a> Scope<'a> {
    /// Sees its parent's names too, and assigns there.
    pub(super) fn open(parent: &'a dyn Runtime, names: Vec<(KString, ValueCow<'a>)>) -> Self {
        Self {
            parent,
            names,
            closed: None,
        }
    }

    /// Sees its own names alone.
    pub(super) fn closed(parent: &'a dyn Runtime, names: Vec<(KString, ValueCow<'a>)>) -> Self {
        Self {
            parent,
            names,
            closed: Some(RefCell::default()),
        }
    }
}

/// What is assigned under the path's first name, if it is.
fn assigned(objects: &RefCell<Object>, path: &[ScalarCow<'_>]) -> Option<Option<Value>> {
    let (name, rest) = path.split_first()?;
    let objects = objects.borrow();
    let value = objects.get(name.to_kstr().as_str())?;
    Some(try_find(value, rest).map(ValueCow::into_owned))
}

impl Runtime for Globals<'_> {
    fn partials(&self) -> &dyn PartialStore {
        self.partials
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        None
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        self.globals.keys().map(|key| key.as_str().into()).collect()
    }

    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        if let Some(found) = assigned(&self.assigned, path) {
            return found.map(ValueCow::Owned);
        }
        try_find(self.globals.as_value(), path)
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> Result<ValueCow<'_>> {
        Ok(self.try_get(path).unwrap_or(ValueCow::Owned(Value::Nil)))
    }

    fn set_global(&self, name: KString, value: Value) -> Option<Value> {
        self.assigned.borrow_mut().insert(name, value)
    }

    fn set_index(&self, name: KString, value: Value) -> Option<Value> {
        self.indexes.borrow_mut().insert(name, value)
    }

    fn get_index<'a>(&'a self, name: &str) -> Option<ValueCow<'a>> {
        let indexes = self.indexes.borrow();
        indexes.get(name).cloned().map(ValueCow::Owned)
    }

    fn registers(&self) -> &Registers {
        &self.registers
    }
}

impl Runtime for Scope<'_> {
    fn partials(&self) -> &dyn PartialStore {
        self.parent.partials()
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        self.parent.name()
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        self.parent.roots()
    }

    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        let (name, rest) = path.split_first()?;
        let name = name.to_kstr();
        if let Some(objects) = &self.closed
            && let Some(found) = assigned(objects, path)
        {
            return found.map(ValueCow::Owned);
        }
        if let Some((_, value)) = self.names.iter().find(|(own, _)| *own == *name) {
            return try_find(value.as_view(), rest);
        }
        match self.closed {
            Some(_) => None,
            None => self.parent.try_get(path),
        }
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> Result<ValueCow<'_>> {
        Ok(self.try_get(path).unwrap_or(ValueCow::Owned(Value::Nil)))
    }

    fn set_global(&self, name: KString, value: Value) -> Option<Value> {
        match &self.closed {
            Some(objects) => objects.borrow_mut().insert(name, value),
            None => self.parent.set_global(name, value),
        }
    }

    fn set_index(&self, name: KString, value: Value) -> Option<Value> {
        self.parent.set_index(name, value)
    }

    fn get_index<'a>(&'a self, name: &str) -> Option<ValueCow<'a>> {
        self.parent.get_index(name)
    }

    fn registers(&self) -> &Registers {
        self.parent.registers()
    }
}

/// An error with this message.
pub(super) fn refuse<T>(message: impl Into<KString>) -> Result<T> {
    Err(Error::with_msg(message))
}
