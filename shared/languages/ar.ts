import type { Texts } from "./texts.ts";

/** Arabic. */
export const ar: Texts = {
  available: "متاح",
  offline: "غير متصل",
  do_not_disturb: "عدم الإزعاج",
  on_mobile: "على الجوال",
  in_call: "في مكالمة",
  out_for_lunch: "استراحة غداء",
  on_a_break: "في استراحة",
  in_traning: "في تدريب",
  doing_back_office: "عمل مكتبي",
  other: "سبب آخر",
  wrapping_up: "إنهاء ما بعد المكالمة",
  loading: "جارٍ التحميل",
  unknown: "غير معروف",
  unknown_agent: "وكيل غير معروف",
  not_allowed: "غير مسموح",
  removed: "تمت إزالته",
  error: "خطأ",
  session_over: "انتهت الجلسة",
  stale: "آخر حالة معروفة {age}",
  callable: "يمكن الاتصال به الآن",
  not_callable: "لا يمكن الاتصال به الآن",
};
