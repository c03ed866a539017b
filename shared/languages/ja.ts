import type { Texts } from "./texts.ts";

/** Japanese. */
export const ja: Texts = {
  available: "応対可能",
  offline: "オフライン",
  do_not_disturb: "応対不可",
  on_mobile: "モバイル利用中",
  in_call: "通話中",
  out_for_lunch: "昼休憩中",
  on_a_break: "休憩中",
  in_traning: "研修中",
  doing_back_office: "事務処理中",
  other: "その他の理由",
  wrapping_up: "後処理中",
  loading: "読み込み中",
  unknown: "不明",
  unknown_agent: "不明な担当者",
  not_allowed: "権限なし",
  removed: "削除済み",
  error: "エラー",
  session_over: "セッション終了",
  stale: "{age}時点の状態",
  callable: "現在、電話をかけられます",
  not_callable: "現在、電話をかけられません",
};
