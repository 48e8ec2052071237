//! What a keychain's vault stores with the server: objects that never change, and references, each swapped in one step.
//! All of it is sealed.
//!
//! Spec: `docs/spec/http.md`, "Storage".

use crate::{
    limits,
    record::{listed, record},
};
use keyfold_format::ObjectId;

record! {
    /// `POST /v1/scopes/{id}/objects`. The answer is [`Stored`].
    PutObjects {
        /// At most [`limits::OBJECTS`], of [`limits::OBJECT_BYTES`] each. An object's id is its hash.
        objects: Vec<Vec<u8>>,
    }

    /// `POST /v1/scopes/{id}/objects/read`.
    ReadObjects {
        /// Which.
        ids: Vec<ObjectId>,
    }

    /// The answer.
    Objects {
        /// In the order of the ids, empty for one that is not there. Fewer than were asked for where the answer is full;
        /// one at least.
        objects: Vec<Vec<u8>>,
    }

    /// `POST /v1/scopes/{id}/objects/delete`. The answer is [`Stored`].
    DeleteObjects {
        /// Those that are not there are gone already.
        ids: Vec<ObjectId>,
    }

    /// The answer to both.
    Stored {
        /// How many are there, or gone, now: all of them.
        count: u32,
    }

    /// `POST /v1/scopes/{id}/objects/list`.
    ListObjects {
        /// Ids after this one; `None` from the first.
        after: Option<ObjectId>,
        /// How long ago they were put at least, in milliseconds; [`limits::SETTLED_MS`] at least, whatever stands here.
        age_ms: u64,
    }

    /// The answer.
    ObjectIds {
        /// Ascending: of objects that are there for longer than [`limits::SETTLED_MS`]. None: there are no more.
        ids: Vec<ObjectId>,
    }

    /// `POST /v1/scopes/{id}/references/list`.
    ListReferences {
        /// Names after this one, by their bytes; `None` from the first.
        after: Option<String>,
    }

    /// The answer.
    ReferenceNames {
        /// Ascending, under which something stands: at most [`limits::OBJECT_IDS`]. None: there are no more.
        names: Vec<String>,
    }

    /// `POST /v1/scopes/{id}/references/read`.
    ReadReference {
        /// Which.
        name: String,
    }

    /// The answer.
    ReferenceNow {
        /// `None` if nothing stands there.
        reference: Option<Reference>,
    }

    /// What stands under a name.
    Reference {
        /// Never that of something else that stood there.
        version: u64,
        /// At most [`limits::REFERENCE_BYTES`].
        bytes: Vec<u8>,
    }

    /// `POST /v1/scopes/{id}/references/swap`.
    SwapReference {
        /// Which: 1 to 64 letters, digits, `-` and `_`.
        name: String,
        /// What must stand there; `None`: nothing.
        expected: Option<u64>,
        /// What is to stand there.
        bytes: Vec<u8>,
    }

    /// The answer.
    Swapped {
        /// The new version; `None` if something else stood there than was expected.
        version: Option<u64>,
        /// Then, what stands there; `None` if nothing does.
        stands: Option<Reference>,
    }
}

listed!(ObjectId = limits::OBJECT_IDS, String = limits::OBJECT_IDS);
