//! One's own devices: how one comes in, what they are called, and how one goes.

use super::{
    Session,
    account::{by_any, proof},
};
use crate::{
    fault::{Fault, Result},
    plain::{object, texts, to_js, whole},
};
use js_sys::Function;
use keyfold_client::{EnrolmentText, SignIn};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// Asks to be let into the account of a user id, with this device.
    #[wasm_bindgen(js_name = requestEnrolment, unchecked_return_type = "DeviceRequested")]
    pub async fn request_enrolment(
        &mut self,
        user_id: &str,
        label: &str,
        server_url: &str,
        server_keys: Vec<String>,
        token: Option<String>,
        passkey: Option<String>,
    ) -> Result<JsValue> {
        let proof = proof(&token, &passkey);
        let mut request = async |key: &str| {
            let sign_in = SignIn { user_id, server_url, server_key: Some(key), proof };
            self.inner.request_enrolment(sign_in, label).await
        };
        to_js(&by_any(&server_keys, &mut request).await?)
    }

    /// Waits some seconds for another device's answer: `undefined` if there is none yet.
    #[wasm_bindgen(js_name = awaitEnrolment, unchecked_return_type = "WhoAmI | undefined")]
    pub async fn await_enrolment(&mut self) -> Result<JsValue> {
        self.inner.await_enrolment().await?.map_or(Ok(JsValue::UNDEFINED), |who| to_js(&who))
    }

    /// Goes on where this device was let in without having heard of it. Whether it has an account now.
    #[wasm_bindgen(js_name = finishJoining)]
    pub async fn finish_joining(&mut self) -> Result<bool> {
        Ok(self.inner.finish_joining().await?)
    }

    /// The devices that ask to be let in.
    #[wasm_bindgen(js_name = enrolmentRequests, unchecked_return_type = "DeviceRequest[]")]
    pub async fn enrolment_requests(&mut self) -> Result<JsValue> {
        to_js(&self.inner.enrolment_requests().await?)
    }

    /// Lets a device in, by the code that it shows, or by its id.
    #[wasm_bindgen(js_name = approveDevice, unchecked_return_type = "EnrolledDevice")]
    pub async fn approve_device(&mut self, code: &str, label: Option<String>) -> Result<JsValue> {
        to_js(&self.inner.approve_device(code, label.as_deref()).await?)
    }

    /// Does not let a device in.
    #[wasm_bindgen(js_name = declineDevice)]
    pub async fn decline_device(&mut self, code: &str) -> Result<()> {
        self.inner.decline_device(code).await?;
        Ok(())
    }

    /// A text that brings another device in by itself, once, within `lasts` milliseconds.
    #[wasm_bindgen(js_name = enrollNewDevice)]
    pub async fn enroll_new_device(&mut self, label: Option<String>, lasts: Option<f64>) -> Result<String> {
        let lasts = lasts.map(whole).transpose()?;
        Ok(self.inner.enroll_new_device(label.as_deref(), lasts).await?)
    }

    /// Brings this device in by such a text.
    #[wasm_bindgen(js_name = registerEnrolledDevice, unchecked_return_type = "WhoAmI")]
    pub async fn register_enrolled_device(&mut self, text: &str) -> Result<JsValue> {
        to_js(&self.inner.register_enrolled_device(text).await?)
    }

    /// One's own devices, oldest first.
    #[wasm_bindgen(unchecked_return_type = "EnrolledDevice[]")]
    pub async fn devices(&mut self) -> Result<JsValue> {
        to_js(&self.inner.devices().await?)
    }

    /// Gives this device new keys, and with `label` another name.
    #[wasm_bindgen(js_name = rotateDevice, unchecked_return_type = "EnrolledDevice")]
    pub async fn rotate_device(&mut self, label: Option<String>) -> Result<JsValue> {
        to_js(&self.inner.rotate_device(label.as_deref()).await?)
    }

    /// Takes devices out, with those that they let in, except the `kept`.
    #[wasm_bindgen(js_name = revokeDevices, unchecked_return_type = "RevokedDevices")]
    pub async fn revoke_devices(&mut self, devices: Vec<String>, kept: Vec<String>) -> Result<JsValue> {
        to_js(&self.inner.revoke_devices(&texts(&devices), &texts(&kept)).await?)
    }

    /// Makes new keys where somebody's or one's own revocation asks for it; `progress` hears how many scopes are done,
    /// of how many. What is left over is gone on with at the next time. Whether anything changed.
    #[wasm_bindgen(js_name = repairTelling)]
    pub async fn repair_telling(&mut self, progress: Function) -> Result<bool> {
        let tell = |done: usize, all: usize| {
            // What a listener throws is its own affair.
            _ = progress.call2(&JsValue::UNDEFINED, &done.into(), &all.into());
        };
        Ok(self.inner.repair_telling(tell).await?)
    }
}

/// Whose account a text of `enrollNewDevice` is for, and where: not a secret, unlike the text.
///
/// `BadCode`
#[wasm_bindgen(js_name = readEnrolmentText, unchecked_return_type = "EnrolmentPlace")]
pub fn read_enrolment_text(text: &str) -> Result<JsValue> {
    let text = EnrolmentText::read(text.trim())
        .map_err(|_| Fault::new(keyfold_client::Code::BadCode, "this is not a text for a new device"))?;
    Ok(object([
        ("userId", text.user_id.as_str().into()),
        ("serverUrl", text.server_url.as_str().into()),
        ("serverKey", text.server_key.to_string().into()),
    ]))
}
