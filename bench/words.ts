// Common words of short messages, the most frequent first, then names and what else people write.

export const words: readonly string[] = (
  "you to I the a and in for is u me my your on it of have at that are call will be or but i can just so we if " +
  "not get this with do up now when from go how all out no what ok like know then good am got was there time he " +
  "love only one day come want they text as her see about she free need don't going home by his an back tell " +
  "please think take send today more after sorry new I'm our still here later any hi some over night who week " +
  "phone make did give where too well hope much very work number has way been great happy down yes stop would " +
  "next really right had way reply already tomorrow were which before him say ask message should sure wait off " +
  "meet first every it's thanks them around always because morning last people thing let something sleep " +
  "leave pick why long friend could buy feel babe money also help even car thought things late keep nice place " +
  "year bit find finish soon again can't miss lunch gonna same special told mean coming dinner bring guess " +
  "other came little life best everything friends house into does looking might lot done room put mind word " +
  "bus school start minutes big chance end check never week-end job while today's mum two man talk hear made " +
  "name wish enjoy haven't shall half guys having without name probably better watch town train hour face meeting " +
  "old parcel order invoice paid delivery address account code booking ticket appointment doctor photo picture " +
  "street station airport hotel office door window kitchen coffee café tea water bread fruit cake birthday party " +
  "music film game book paper letter lesson exam class student teacher mother father sister brother daughter son " +
  "rain snow sun weather summer winter Monday Tuesday Wednesday Thursday Friday Saturday Sunday January May June " +
  "👍 😂 🎉 ❤️ 🙏 😊 :) ;) lol xx ... haha déjà-vu naïve über piñata jalapeño crème façade señor año garçon Straße " +
  "Anna Priya Rahul José Zoë François Łukasz Ingrid Mehmet Wei Aisha Olu Björn Chloé Dmitri Fatima Giulia Håkon " +
  "Ines Jamal Kenji Lakshmi María Nguyen Omar Pavel Quentin Rosa Søren Thandi Uma Viktor Wanda Ximena Yusuf Zara " +
  "London Mumbai Zürich Málaga Kraków Lagos Osaka Lima Québec Oslo Cairo Delhi Paris Boston Madrid Hamburg नमस्ते " +
  "спасибо 谢谢 ありがとう شكرا ευχαριστώ 감사합니다 toda dank merci gracias obrigado tack kiitos"
).split(" ");
