// A form that was sent is not sent a second time: its buttons go dead until the page is shown again.
// Without scripts the shop's own memory of the form does the same (mechanic_shop/http/form_keys.py).
// The browsable API writes a whole page over the old one, so this runs again in the same window: nothing is global.
(() => {
  "use strict";

  let lastKey = null;

  const isSent = (form) => form.method === "post" || "method" in form.dataset;
  const buttonsOf = (form) => [...form.elements].filter((element) => element.type === "submit");
  // The browsable API sends its forms by a script, and shows the answer in place of the page.
  const byScript = () => Boolean(window.jQuery?.fn.ajaxForm);

  function sleep(form) {
    form.dataset.sent = "";
    buttonsOf(form).forEach((button) => (button.disabled = true));
  }

  function wake(form) {
    delete form.dataset.sent;
    buttonsOf(form).forEach((button) => (button.disabled = false));
  }

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!isSent(form)) {
        return;
      }
      if ("sent" in form.dataset) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      form.dataset.sent = "";
      lastKey = form.elements.form_key?.value ?? null;
      // Later: the browser still has to read which button was pressed, and other scripts may stop the form.
      setTimeout(() => (event.defaultPrevented && !byScript() ? wake(form) : sleep(form)));
    },
    true,
  );

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      document.querySelectorAll("form[data-sent]").forEach(wake);
    }
  });

  if (byScript()) {
    window.jQuery(document).on("ajaxSend", (event, request) => {
      if (lastKey) {
        request.setRequestHeader("Idempotency-Key", lastKey);
      }
    });
  }
})();
